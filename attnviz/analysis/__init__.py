"""What heads do: measured on exact weights, over one text or many."""
