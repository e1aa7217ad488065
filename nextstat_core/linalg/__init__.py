"""Structured linear algebra on batches."""

from nextstat_core.linalg.arrow import ArrowBlock, ArrowFactor, ArrowMatrix, ArrowShape, factorize
from nextstat_core.linalg.inverse import ArrowInverse, invert

__all__ = [
    "ArrowBlock",
    "ArrowFactor",
    "ArrowInverse",
    "ArrowMatrix",
    "ArrowShape",
    "factorize",
    "invert",
]
