"""What runs the workers: this process, processes on this machine, or the actors of a Ray cluster."""
