"""From options to traces, and to the part of them that is shown."""
