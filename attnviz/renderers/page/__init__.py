"""One offline HTML page in which a person can walk through attention."""
