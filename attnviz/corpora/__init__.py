"""A corpus measured by many workers: cut into shards, run by an engine, merged in their order, kept in a folder."""
