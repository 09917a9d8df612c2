from hypothesis import settings

# The same examples in every run, at any speed of the machine.
settings.register_profile("attnviz", deadline=None, derandomize=True, database=None)
settings.load_profile("attnviz")
