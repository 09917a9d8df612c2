"""Many texts, read as a stream: lines, rows of JSON or of Parquet, compressed or not, in one file or in many."""
