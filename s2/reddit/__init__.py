"""Reddit dumps to questions and answers."""
