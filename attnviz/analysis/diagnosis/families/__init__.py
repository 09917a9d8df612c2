"""Mistakes that people make in attention: one file a family, one function a mistake."""
