"""One self-contained page about a workspace."""

__all__: list[str] = []
