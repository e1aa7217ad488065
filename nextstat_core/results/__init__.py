"""What fits return: one result, a minimum without errors, or the columns of many toys."""

from nextstat_core.results.breakdown import Breakdown
from nextstat_core.results.compatibility import ChannelCompatibility
from nextstat_core.results.contours import Contour
from nextstat_core.results.fit import FitResult, ParameterEstimate
from nextstat_core.results.goodness import GoodnessOfFit
from nextstat_core.results.grouped_impacts import GroupedImpacts, GroupImpact
from nextstat_core.results.hypotest import NSIGMA_ORDER, DiscoveryResult, HypotestResult
from nextstat_core.results.impacts import Impact, Impacts
from nextstat_core.results.injection import SignalInjection
from nextstat_core.results.intervals import Interval, Intervals
from nextstat_core.results.limits import ClsScan, LimitResult
from nextstat_core.results.mass_scan import MassScan
from nextstat_core.results.minimum import FitMinimumResult
from nextstat_core.results.reasons import TERMINATION_REASONS, CovarianceStatus, TerminationReason
from nextstat_core.results.scans import ProfilePoints, ProfileScan, ProfileScan2D
from nextstat_core.results.simplified import SimplifiedLikelihood
from nextstat_core.results.toy_ensemble import ToyEnsemble
from nextstat_core.results.toy_limits import FeldmanCousins, ToyLimitResult
from nextstat_core.results.toy_test import ToyHypotestResult
from nextstat_core.results.toys import ToyResults
from nextstat_core.results.yields import ChannelYields, Yields, YieldsMethod, YieldsStage

__all__ = [
    "NSIGMA_ORDER",
    "TERMINATION_REASONS",
    "Breakdown",
    "ChannelCompatibility",
    "ChannelYields",
    "ClsScan",
    "Contour",
    "CovarianceStatus",
    "DiscoveryResult",
    "FeldmanCousins",
    "FitMinimumResult",
    "FitResult",
    "GoodnessOfFit",
    "GroupImpact",
    "GroupedImpacts",
    "HypotestResult",
    "Impact",
    "Impacts",
    "Interval",
    "Intervals",
    "LimitResult",
    "MassScan",
    "ParameterEstimate",
    "ProfilePoints",
    "ProfileScan",
    "ProfileScan2D",
    "SignalInjection",
    "SimplifiedLikelihood",
    "TerminationReason",
    "ToyEnsemble",
    "ToyHypotestResult",
    "ToyLimitResult",
    "ToyResults",
    "Yields",
    "YieldsMethod",
    "YieldsStage",
]
