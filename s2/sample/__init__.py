"""The hand-written sample corpus, and how it is packed into the formats of the real dumps."""
