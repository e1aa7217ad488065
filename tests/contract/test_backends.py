"""The conformance kit on every backend that is here, ours and others that are installed."""

from __future__ import annotations

import pytest

from acme_backend.backend import AcmeBackend
from nextstat_core.backend import Backend, backend_specs
from nextstat_core.testing import BackendContract
from parity_matrix.backends import Presence, find_backend, known_backends

FOUND = [find_backend(label) for label in known_backends()]


def contract_for(presence: Presence) -> type[BackendContract]:
    """The kit's tests for one backend."""

    class Contract(BackendContract):
        @pytest.fixture
        def backend(self) -> Backend:
            assert presence.backend is not None
            return presence.backend

    return Contract


# pytest collects classes by their names in the module.
globals().update(
    {f"Test[{each.label}]": contract_for(each) for each in FOUND if each.backend is not None}
)


class TestExampleOfTheDocumentation(BackendContract):
    @pytest.fixture
    def backend(self) -> Backend:
        return AcmeBackend()


@pytest.mark.parametrize("presence", FOUND, ids=[each.label for each in FOUND])
def test_backend_is_present(presence: Presence) -> None:
    if presence.backend is None:
        pytest.skip(f"{presence.label}: {presence.reason}")
    assert f"Test[{presence.label}]" in globals()


def test_no_installed_backend_is_left_out() -> None:
    tested = {each.label.partition(":")[0] for each in FOUND}
    assert {spec.name for spec in backend_specs()} <= tested
