"""What the tools for agents need of the command line: commands as processes of their own."""

__all__: list[str] = []
