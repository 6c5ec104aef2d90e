"""Proof of handlers: runs them under duplicates, kills and disorder, and counts their effects.

Each process of a server is a fork of the program as it is after its import. Its store is in this
process, which also decides when a fork dies: by SIGKILL, so that no clean-up of its own runs.
"""

__all__: list[str] = []
