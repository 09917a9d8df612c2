"""A diagnosis: what is wrong with an implementation of attention, in words, as data, and as a picture."""
