"""Arrays on disk: a person's own Q, K and V, vectors and matrices. Nothing is ever unpickled."""
