"""A generation, step by step: what each step chose, and what its heads read."""
