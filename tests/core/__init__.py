"""Decisions: which facts and commands follow from which event."""
