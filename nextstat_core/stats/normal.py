"""The normal density's constant; its exponent is a squared pull and needs no function."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nextstat_core.typing import Array, ArrayNamespace

__all__ = ["gaussian_constant"]

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


def gaussian_constant(width: Array, xp: ArrayNamespace) -> Array:
    """``log(width * sqrt(2 pi))``, what completes half squared pulls to ``-log p``."""
    return xp.log(width) + _HALF_LOG_2PI
