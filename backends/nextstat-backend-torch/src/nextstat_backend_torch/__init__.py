"""PyTorch array backends of nextstat; `nextstat_core.backend.get_backend("torch")` makes one."""

__all__: list[str] = []
