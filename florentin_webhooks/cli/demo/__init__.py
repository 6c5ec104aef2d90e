"""The demonstration: a receiver, a table of steps, and the check of each step."""
