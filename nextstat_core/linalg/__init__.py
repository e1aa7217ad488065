"""Structured linear algebra on batches."""

from nextstat_core.linalg.arrow import ArrowBlock, ArrowMatrix, ArrowShape
from nextstat_core.linalg.factor import ArrowFactor, ArrowInverse, factorize
from nextstat_core.linalg.shared_inverse import SharedInverse, share

__all__ = [
    "ArrowBlock",
    "ArrowFactor",
    "ArrowInverse",
    "ArrowMatrix",
    "ArrowShape",
    "SharedInverse",
    "factorize",
    "share",
]
