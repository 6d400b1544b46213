"""Proximal policy optimisation with all of its models as adapters on one base."""
