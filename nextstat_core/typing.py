"""Names for types that the core passes around; imports no array library."""

from collections.abc import Sequence
from typing import Any, TypeAlias

__all__ = ["Array", "ArrayLike", "ArrayNamespace", "Indices"]

#: An array of whichever library the backend works with.
Array: TypeAlias = Any
#: What a user may pass where an array is expected: a sequence, or an array of any library.
ArrayLike: TypeAlias = Sequence[float] | Any
#: A namespace that follows the Python array API standard.
ArrayNamespace: TypeAlias = Any
#: One-dimensional integer index array of a backend.
Indices: TypeAlias = Any
