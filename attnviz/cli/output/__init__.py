"""The one place that writes: results to stdout or to a file, everything else to stderr."""
