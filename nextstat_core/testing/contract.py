"""What all contracts have in common: tests that are known to fail."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, ClassVar

import pytest

from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Contract"]


def _function(name: str) -> str:
    """Name of a test without its parameters."""
    return name.partition("[")[0]


class Contract:
    """Tests to inherit; `known_failures` lists those that fail for now."""

    #: Name of a test -> reason. Such a test must fail, else the entry is out of date. A name with
    #: parameters, ``test_x[nan]``, stands for one case of a test.
    known_failures: ClassVar[Mapping[str, str]] = {}

    @pytest.fixture(autouse=True)
    def _expect_known_failures(self, request: pytest.FixtureRequest) -> None:
        if not self.known_failures:
            return
        _refuse_unknown(request.node.getparent(pytest.Class), tuple(self.known_failures))
        name = request.node.name
        reason = self.known_failures.get(name) or self.known_failures.get(_function(name))
        if reason:
            request.applymarker(pytest.mark.xfail(strict=True, reason=reason))


@cache
def _refuse_unknown(tests: pytest.Class, known: tuple[str, ...]) -> None:
    names = [item.name for item in tests.collect()]
    existing = [*dict.fromkeys(map(_function, names)), *names]
    for name in known:
        if name not in existing:
            raise InputError.unknown(f"test of {tests.name}", name, existing)
