"""What is recorded of a module that runs, put into the words of a Rule, and compared with what it computed."""
