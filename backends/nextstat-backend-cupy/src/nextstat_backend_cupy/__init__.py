"""CuPy array backend of nextstat; `nextstat_core.backend.get_backend("cupy")` makes one."""

__all__: list[str] = []
