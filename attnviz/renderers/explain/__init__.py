"""explain: every step as headings, sentences and tables."""
