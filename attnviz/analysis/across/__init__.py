"""Attention followed through several layers: by rollout, or by flow."""
