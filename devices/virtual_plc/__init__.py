"""A machine model behind a real protocol server, in wall-clock time, with a world that outlives the PLC's process.

Rule: killing a virtual PLC is a power loss and no more; the world's log is wiped by nothing.
"""
