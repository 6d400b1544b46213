"""Which row goes where, and which must leave because another has it."""
