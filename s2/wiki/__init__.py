"""Wikipedia dumps to answers."""
