"""The weights of a query, laid over the picture that a model has read."""
