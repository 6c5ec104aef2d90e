"""What senders are made of: keys, encodings, templates of what is signed, and payloads."""

__all__: list[str] = []
