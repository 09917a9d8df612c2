"""Query, key and value that a person has in memory."""
