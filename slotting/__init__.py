"""Where to store, what to fetch together, in which order: kernels on arrays of integers.

Rule: nothing here knows load units, devices or databases; a kernel is a private loop, a checked public wrapper and a
plain-Python twin in `slotting.plain`, compared by a property test.
"""
