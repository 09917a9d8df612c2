"""A small trained transformer in the package: its grammar, its weights, its run in NumPy, and how it was trained."""
