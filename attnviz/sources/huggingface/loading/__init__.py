"""A model from a folder or the hub, and a clear line for whatever is wrong with it."""
