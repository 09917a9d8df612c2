"""How a trace is shown: one module for each look, each returning a renderable, text or bytes."""
