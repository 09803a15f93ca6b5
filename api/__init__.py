"""People and other systems: REST, live stream, control room and command line.

It is also the one place that wires drivers and policies into a site.

Rule: nothing imports it; what people read comes from the committed view.
"""
