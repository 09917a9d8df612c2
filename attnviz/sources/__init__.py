"""Where Q, K and V come from: one module for each origin, each returning a Trace."""
