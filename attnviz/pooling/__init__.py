"""The weights of attention for long contexts, pooled exactly, never holding queries × keys."""
