"""How far two computations of one quantity may lie apart: the one place with such numbers.

The constants are the project's promise, in seven tiers from single bins to ensembles of toys.
`PROMISED` arranges them by quantity. `LIMITS` is what the tests ask: the promise, or less where the
project does better; a test holds that it is nowhere more.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ACCELERATOR", "DOUBLE", "LIMITS", "PROMISED", "SINGLE", "Limit"]

# Tier 1: expected data per bin, in units of the sum of its samples' absolute yields.
EXPECTED_DATA_PER_BIN_ATOL = 1e-12
# Tier 2: the vector of expected data, main and auxiliary.
EXPECTED_DATA_ATOL = 1e-8
# Tier 3: the negative log-likelihood; the last line is for comparisons with pyhf.
TWICE_NLL_ATOL = 1e-8
TWICE_NLL_RTOL = 1e-6
GPU_NLL_ATOL = 1e-8
GPU_NLL_RTOL = 1e-6
METAL_NLL_ATOL = 1e-3
NLL_OF_PYHF = 1e-10
# Tier 4: the gradient.
GRADIENT_ATOL = 1e-6
GRADIENT_RTOL = 1e-4
GPU_GRAD_ATOL = 1e-5
METAL_GRAD_ATOL = 1e-2
# Tier 5: the best fit.
PARAM_VALUE_ATOL = 2e-4
GPU_PARAM_ATOL = 2e-4
METAL_PARAM_ATOL = 1e-2
GPU_FIT_NLL_ATOL = 1e-6
METAL_FIT_NLL_ATOL = 1e-3
# Tier 6: uncertainties.
PARAM_UNCERTAINTY_ATOL = 5e-4
# Tier 7: ensembles of toys.
PULL_MEAN_DELTA_MAX = 0.05
PULL_STD_DELTA_MAX = 0.05
COVERAGE_1SIGMA_DELTA_MAX = 0.03
METAL_BATCH_TOY_NLL_ATOL = 5e-3

#: Kinds of backends: float64, float64 on an accelerator, float32.
DOUBLE, ACCELERATOR, SINGLE = "float64", "accelerator", "float32"


@dataclass(frozen=True, slots=True)
class Limit:
    """The largest deviation that passes: the larger of `absolute` and `relative` times the value.

    Attributes
    ----------
    tier : int
    absolute, relative : float
    """

    tier: int
    absolute: float
    relative: float = 0.0

    def covers(self, other: Limit) -> bool:
        """Whether all that passes `other` passes this one."""
        return other.absolute <= self.absolute and other.relative <= self.relative


_ENSEMBLE: Mapping[str, Limit] = {
    "toys, mean of pulls": Limit(7, PULL_MEAN_DELTA_MAX),
    "toys, width of pulls": Limit(7, PULL_STD_DELTA_MAX),
    "toys, coverage": Limit(7, COVERAGE_1SIGMA_DELTA_MAX),
}

PROMISED: Mapping[str, Mapping[str, Limit]] = MappingProxyType(
    {
        DOUBLE: {
            "expected data per bin": Limit(1, EXPECTED_DATA_PER_BIN_ATOL),
            "expected data": Limit(2, EXPECTED_DATA_ATOL, EXPECTED_DATA_ATOL),
            "NLL": Limit(3, TWICE_NLL_ATOL, TWICE_NLL_RTOL),
            "gradient": Limit(4, GRADIENT_ATOL, GRADIENT_RTOL),
            "gradient, differences": Limit(4, GRADIENT_ATOL, GRADIENT_RTOL),
            "parameters": Limit(5, PARAM_VALUE_ATOL),
            "uncertainties": Limit(6, PARAM_UNCERTAINTY_ATOL, PARAM_UNCERTAINTY_ATOL),
            "toys, parameters": Limit(5, PARAM_VALUE_ATOL),
            **_ENSEMBLE,
        },
        ACCELERATOR: {
            "NLL": Limit(3, GPU_NLL_ATOL, GPU_NLL_RTOL),
            "gradient": Limit(4, GPU_GRAD_ATOL, GRADIENT_RTOL),
            "parameters": Limit(5, GPU_PARAM_ATOL),
            "NLL at the minimum": Limit(5, GPU_FIT_NLL_ATOL, TWICE_NLL_RTOL),
            "toys, parameters": Limit(5, GPU_PARAM_ATOL),
            "toys, NLL": Limit(5, GPU_FIT_NLL_ATOL, TWICE_NLL_RTOL),
            **_ENSEMBLE,
        },
        SINGLE: {
            "NLL": Limit(3, METAL_NLL_ATOL),
            "gradient": Limit(4, METAL_GRAD_ATOL),
            "gradient, differences": Limit(4, METAL_GRAD_ATOL),
            "parameters": Limit(5, METAL_PARAM_ATOL),
            "NLL at the minimum": Limit(5, METAL_FIT_NLL_ATOL),
            "uncertainties": Limit(6, PARAM_UNCERTAINTY_ATOL, PARAM_UNCERTAINTY_ATOL),
            "toys, parameters": Limit(5, METAL_PARAM_ATOL),
            "toys, NLL": Limit(5, METAL_BATCH_TOY_NLL_ATOL),
            **_ENSEMBLE,
        },
    }
)

#: Deviations are from numpy with compensated sums, but for quantities "of pyhf" and differences.
#: Pulls are parameters in units of their uncertainty; second derivatives are in units of the
#: product of the roots of their two diagonal entries.
LIMITS: Mapping[str, Mapping[str, Limit]] = MappingProxyType(
    {
        DOUBLE: {
            "expected data of pyhf": Limit(1, EXPECTED_DATA_PER_BIN_ATOL),
            "NLL of pyhf": Limit(3, NLL_OF_PYHF, NLL_OF_PYHF),
            "expected data per bin": Limit(1, EXPECTED_DATA_PER_BIN_ATOL),
            "expected data": Limit(2, EXPECTED_DATA_ATOL, 1e-12),
            "NLL": Limit(3, 1e-10, 1e-10),
            "gradient": Limit(4, GRADIENT_ATOL, 1e-9),
            "gradient, differences": Limit(4, GRADIENT_ATOL, GRADIENT_RTOL),
            "Hessian": Limit(4, 1e-9),
            "parameters": Limit(5, PARAM_VALUE_ATOL),
            "pulls": Limit(5, 1e-6),
            "NLL at the minimum": Limit(5, 1e-10, 1e-10),
            "uncertainties": Limit(6, 1e-6, 1e-6),
            "toys, parameters": Limit(5, PARAM_VALUE_ATOL),
            "toys, NLL": Limit(5, GPU_FIT_NLL_ATOL),
            **_ENSEMBLE,
        },
        SINGLE: {
            "expected data per bin": Limit(1, 1e-5),
            "expected data": Limit(2, 1e-5, 1e-5),
            "NLL": Limit(3, METAL_NLL_ATOL),
            "gradient": Limit(4, METAL_GRAD_ATOL),
            "gradient, differences": Limit(4, METAL_GRAD_ATOL),
            "Hessian": Limit(4, 1e-3),
            "parameters": Limit(5, METAL_PARAM_ATOL),
            "pulls": Limit(5, METAL_PARAM_ATOL),
            "NLL at the minimum": Limit(5, METAL_FIT_NLL_ATOL),
            "uncertainties": Limit(6, PARAM_UNCERTAINTY_ATOL, PARAM_UNCERTAINTY_ATOL),
            "toys, parameters": Limit(5, METAL_PARAM_ATOL),
            "toys, NLL": Limit(5, METAL_BATCH_TOY_NLL_ATOL),
            **_ENSEMBLE,
        },
    }
)
