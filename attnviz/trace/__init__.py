"""The record in the middle: tokens, and for each layer Q, K, V and the rule; which of it is shown."""
