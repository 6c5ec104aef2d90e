"""What each page shows, as frozen values; the templates only lay it out."""

__all__: list[str] = []
