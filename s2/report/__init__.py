"""Tables and plots out of metrics."""
