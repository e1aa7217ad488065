"""The hooks; this module is what the entry point names, so it imports nothing expensive."""

__all__: list[str] = []
