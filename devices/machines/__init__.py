"""How a crane, a conveyor or a vehicle and its PLC behave: pure models on data, and the world they share.

Rule: time comes in as a number and goes out as a number; the twin and the virtual PLCs run the same models.
"""
