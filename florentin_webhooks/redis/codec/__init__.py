"""Operations of the store as calls of Lua scripts, and their answers."""

__all__: list[str] = []
