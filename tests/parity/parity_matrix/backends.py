"""The backends of the matrix: what is here, and why something is not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from nextstat_core.backend import Backend, Capability, available_backends, get_backend
from nextstat_core.errors import BackendNotFoundError, BackendUnavailableError
from nextstat_core.testing import StrictBackend
from parity_matrix.tolerances import DOUBLE, SINGLE

__all__ = ["Presence", "find_backend", "known_backends"]

#: ``NAME`` or ``NAME:DEVICE``; ``strict`` is the test backend.
FIRST_PARTY = (
    "numpy",
    "torch",
    "torch-float32",
    "strict",
    "strict:no_float64",
    "cupy",
    "torch:cuda",
    "torch-float32:cuda",
    "mps",
)


@dataclass(frozen=True)
class Presence:
    """A backend, or the reason why there is none."""

    label: str
    backend: Backend | None
    reason: str = ""

    @property
    def kind(self) -> str:
        """Which column of tolerances holds."""
        assert self.backend is not None
        return DOUBLE if Capability.FLOAT64 in self.backend.capabilities else SINGLE

    @property
    def is_slow(self) -> bool:
        """Whether it is a test backend, which checks every call."""
        return self.label.startswith("strict")


def known_backends() -> tuple[str, ...]:
    """Labels of all backends of this project, then of others that are installed."""
    mine = {label.partition(":")[0] for label in FIRST_PARTY}
    return (*FIRST_PARTY, *(name for name in available_backends() if name not in mine))


@cache
def find_backend(label: str) -> Presence:
    """Load the backend if that can be done."""
    name, _, device = label.partition(":")
    if name == "strict":
        return Presence(label, StrictBackend(device or None))
    try:
        return Presence(label, get_backend(name, device or None))
    except BackendNotFoundError:
        return Presence(label, None, "not installed")
    except BackendUnavailableError as error:
        return Presence(label, None, " ".join(str(error).split()))
