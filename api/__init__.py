"""People and other systems: REST, live stream, control room and command line, and the one place that wires a site together.

Rule: nothing imports it; what people read comes from the committed view.
"""
