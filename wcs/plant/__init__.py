"""What stands in the building: areas, aisles, locations, machines and the ways between them, read from `plant.toml`.

Rule: it never knows what is stored there, nor what moves.
"""
