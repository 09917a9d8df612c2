"""Where in a picture each token of a model stands: measured on the model and its processor while they run, never looked up."""
