"""Plugin-based, backend-neutral statistical inference; HistFactory at its heart."""

__all__ = ["__version__"]

__version__ = "0.1.0"
