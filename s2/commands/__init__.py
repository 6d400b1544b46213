"""One module for each command of `s2`."""
