"""Structured linear algebra on batches."""

from nextstat_core.linalg.arrow import ArrowBlock, ArrowFactor, ArrowMatrix, ArrowShape, factorize

__all__ = ["ArrowBlock", "ArrowFactor", "ArrowMatrix", "ArrowShape", "factorize"]
