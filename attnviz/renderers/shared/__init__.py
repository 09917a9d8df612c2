"""What several looks share: numbers, colours, a scale, labels, tables."""
