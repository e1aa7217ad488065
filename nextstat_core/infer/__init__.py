"""Fits, toys, and everything that is built from rows of conditional fits."""

from nextstat_core.infer.batch import fit_batch
from nextstat_core.infer.feldman_cousins import feldman_cousins
from nextstat_core.infer.fit import fit, fit_minimum
from nextstat_core.infer.hypotest_toys import hypotest_toys
from nextstat_core.infer.options import FitOptions
from nextstat_core.infer.toy_fits import fit_many, fit_toys, poisson_toys
from nextstat_core.infer.toy_limits import toy_upper_limit
from nextstat_core.infer.toys import draw_toys

__all__ = [
    "FitOptions",
    "draw_toys",
    "feldman_cousins",
    "fit",
    "fit_batch",
    "fit_many",
    "fit_minimum",
    "fit_toys",
    "hypotest_toys",
    "poisson_toys",
    "toy_upper_limit",
]
