"""Batched second-order minimisation with bounds; knows arrays and callables, no models."""

from nextstat_core.optimize.finish import finish, known_minimum, settle
from nextstat_core.optimize.newton import newton
from nextstat_core.optimize.problem import Objective, Options, Point, Problem
from nextstat_core.optimize.result import Minima, Status
from nextstat_core.optimize.shared_metric import shared_metric

__all__ = [
    "Minima",
    "Objective",
    "Options",
    "Point",
    "Problem",
    "Status",
    "finish",
    "known_minimum",
    "newton",
    "settle",
    "shared_metric",
]
