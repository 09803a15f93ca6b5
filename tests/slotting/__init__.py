"""Kernels against their plain twins, and what they promise about places, batches and sequences."""
