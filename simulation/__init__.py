"""Virtual time: the twin that hosts the very same core, workloads, faults, experiments and their statistics.

Rule: it never knows HTTP, and every random draw is a function of its seed.
"""
