"""The device interface on the wire, drivers and machine models, held against the published text."""
