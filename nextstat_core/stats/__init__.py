"""Log-densities and interpolation on any array backend."""

from nextstat_core.stats.chi2 import chi2_sf
from nextstat_core.stats.interpolation import (
    BEND,
    Code1,
    Code4,
    bend_of,
    linear_of,
)
from nextstat_core.stats.normal import gaussian_constant
from nextstat_core.stats.poisson import PoissonTerms, poisson_constant, poisson_terms
from nextstat_core.stats.responses import Through, through
from nextstat_core.stats.summation import compensated_sum

__all__ = [
    "BEND",
    "Code1",
    "Code4",
    "PoissonTerms",
    "Through",
    "bend_of",
    "chi2_sf",
    "compensated_sum",
    "gaussian_constant",
    "linear_of",
    "poisson_constant",
    "poisson_terms",
    "through",
]
