"""What fits return: one result, a minimum without errors, or the columns of many toys."""

from nextstat_core.results.fit import FitResult, ParameterEstimate
from nextstat_core.results.hypotest import NSIGMA_ORDER, DiscoveryResult, HypotestResult
from nextstat_core.results.limits import ClsScan, LimitResult
from nextstat_core.results.mass_scan import MassScan
from nextstat_core.results.minimum import FitMinimumResult
from nextstat_core.results.reasons import TERMINATION_REASONS, CovarianceStatus, TerminationReason
from nextstat_core.results.toys import ToyResults

__all__ = [
    "NSIGMA_ORDER",
    "TERMINATION_REASONS",
    "ClsScan",
    "CovarianceStatus",
    "DiscoveryResult",
    "FitMinimumResult",
    "FitResult",
    "HypotestResult",
    "LimitResult",
    "MassScan",
    "ParameterEstimate",
    "TerminationReason",
    "ToyResults",
]
