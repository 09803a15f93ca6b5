"""Who may move where on the vehicle track. Rule: decide from plain data; time comes as an argument."""
