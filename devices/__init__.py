"""The device interface: its words, the drivers that speak it, and machines that behave as it says.

Rule: it never knows orders or stock; a device knows tasks, places and the loads on board.
"""
