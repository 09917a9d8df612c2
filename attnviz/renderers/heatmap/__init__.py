"""The heat map: decided as data, then drawn as a figure or in a terminal."""
