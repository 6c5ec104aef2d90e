"""Values and checks without I/O: headers, strict JSON, fingerprints, deliveries and replies."""

__all__: list[str] = []
