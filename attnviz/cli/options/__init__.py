"""Every option, defined once, in groups that commands take."""
