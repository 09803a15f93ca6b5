"""What to do next: an event comes in; facts, commands and requests come out.

Rule: it reads no clock, no network, no disk and no dice, and its state changes only through `apply(fact)`.
"""
