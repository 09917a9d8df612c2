"""Real models of transformers: loaded, given a text, watched."""
