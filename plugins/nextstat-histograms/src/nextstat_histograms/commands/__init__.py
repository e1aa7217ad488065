"""Commands that this plugin adds to ``nextstat``."""

__all__: list[str] = []
