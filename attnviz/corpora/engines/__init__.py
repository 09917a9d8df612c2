"""What runs a job: this process, processes on this machine, or the actors of a Ray cluster."""
