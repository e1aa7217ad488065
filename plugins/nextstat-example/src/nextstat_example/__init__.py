"""A complete plugin of nextstat to copy from; empty, for every start imports it."""

__all__: list[str] = []
