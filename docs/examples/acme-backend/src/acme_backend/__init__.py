"""A backend of nextstat over plain NumPy."""

__all__: list[str] = []
