"""Each command in a module of its name, where Django looks for it."""

__all__: list[str] = []
