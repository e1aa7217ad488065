"""The words in which results say how a fit ended."""

from typing import Final, Literal, TypeAlias, get_args

__all__ = ["COVARIANCE_STATUSES", "TERMINATION_REASONS", "CovarianceStatus", "TerminationReason"]

#: ``edm``: converged. The others say why a fit did not converge: too many iterations, a stationary
#: point that is no minimum, a rate that is not positive in a bin with events, or no progress.
TerminationReason: TypeAlias = Literal[
    "edm", "max_iterations", "saddle", "non_positive_rate", "stalled"
]

#: ``full``: inverse Hessian of all parameters that are not fixed; ``free_set``: without those at a
#: bound; ``singular``: some directions are not determined by the data.
CovarianceStatus: TypeAlias = Literal["full", "free_set", "singular", "not_computed"]

TERMINATION_REASONS: Final[tuple[TerminationReason, ...]] = get_args(TerminationReason)
COVARIANCE_STATUSES: Final[tuple[CovarianceStatus, ...]] = get_args(CovarianceStatus)
