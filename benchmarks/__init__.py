"""One script for each performance promise."""
