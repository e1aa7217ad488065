"""Array backends: what one must supply, and how to get one by name."""

from nextstat_core.backend._protocol import (
    Backend,
    BackendSpec,
    Capability,
    SegmentPlan,
    SparseMatrix,
)
from nextstat_core.backend._registry import (
    BackendRegistry,
    available_backends,
    backend_specs,
    get_backend,
)
from nextstat_core.backend._special import digamma

__all__ = [
    "Backend",
    "BackendRegistry",
    "BackendSpec",
    "Capability",
    "SegmentPlan",
    "SparseMatrix",
    "available_backends",
    "backend_specs",
    "digamma",
    "get_backend",
]
