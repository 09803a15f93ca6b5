"""Drivers: they carry commands and reports between the core's `DevicePort` and a PLC, over one protocol each.

Rule: a driver decides nothing; what a report means is the core's business.
"""
