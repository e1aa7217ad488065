"""The tests that every array backend passes."""

from __future__ import annotations

from nextstat_core.testing.backend_algebra import AlgebraChecks
from nextstat_core.testing.backend_arrays import ArrayChecks
from nextstat_core.testing.backend_behaviour import BehaviourChecks
from nextstat_core.testing.backend_engine import EngineChecks

__all__ = ["BackendContract"]


# pytest runs the tests of the last base first: single operations before what stands on them.
class BackendContract(EngineChecks, BehaviourChecks, AlgebraChecks, ArrayChecks):
    """Inherit, override the fixture `backend`, and pytest runs every check.

    Attributes and arrays are checked first, then single operations, then likelihoods, fits and toys
    against the NumPy backend. Tolerances follow from the declared capabilities: with FLOAT64
    operations agree to 1e-12, fits to 1e-6 of an uncertainty; without it to 1e-5 and 1e-2.

    Examples
    --------
    ::

        class TestAcme(BackendContract):
            known_failures = {"test_ndtr_keeps_the_lower_tail": "acme has no erfc"}

            @pytest.fixture
            def backend(self):
                return AcmeBackend()
    """
