"""NumPy array backend of nextstat; `nextstat_core.backend.get_backend("numpy")` makes one."""

__all__: list[str] = []
