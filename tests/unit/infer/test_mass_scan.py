"""Limits of all signals of a patchset."""

from __future__ import annotations

import hashlib
import json
from math import nan
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nextstat_core.errors import FormatError, InputError
from nextstat_core.infer import mass_scan, upper_limits
from nextstat_core.models import HistFactoryModel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

YIELDS = {"m100": [12.0, 11.0], "m200": [6.0, 4.0], "m300": [1.0, 3.0]}


@pytest.fixture
def background(workspace: Callable[[str], Any]) -> Any:
    document = workspace("simple")
    del document["channels"][0]["samples"][0]
    return document


@pytest.fixture
def patchset(workspace: Callable[[str], Any], background: Any) -> dict[str, Any]:
    signal = workspace("simple")["channels"][0]["samples"][0]
    patches = [
        {
            "metadata": {"name": name, "values": [float(name[1:])]},
            "patch": [{"op": "add", "path": "/channels/0/samples/0",
                       "value": {**signal, "data": data}}],
        }
        for name, data in YIELDS.items()
    ]  # fmt: skip
    text = json.dumps(background, sort_keys=True, ensure_ascii=False).encode()
    digests = {"sha256": hashlib.sha256(text).hexdigest()}
    metadata = {
        "labels": ["mass"],
        "digests": digests,
        "description": "signals",
        "references": {"hepdata": "ins1234567"},
    }
    return {"metadata": metadata, "patches": patches, "version": "1.0.0"}


def test_limits_are_those_of_each_model(
    background: Any, patchset: Any, workspace: Callable[[str], Any]
) -> None:
    found = mass_scan(background, patchset, cross_sections={"m100": 2.0, "m200": 0.5, "m300": 0.1})
    assert found.names == ("m100", "m200", "m300")
    assert found.values == ((100.0,), (200.0,), (300.0,))
    assert found.value_names == ("mass",)
    for i, data in enumerate(YIELDS.values()):
        document = workspace("simple")
        document["channels"][0]["samples"][0]["data"] = data
        alone = upper_limits(HistFactoryModel.from_pyhf(document))
        assert found.observed[i] == alone.observed
        assert found.expected is not None
        assert np.array_equal(found.expected[i], alone.expected)
    assert found.observed_cross_sections == pytest.approx(found.observed * [2.0, 0.5, 0.1])
    assert "m200" in repr(found)
    json.dumps(found.to_dict(), allow_nan=False)


def test_files_and_a_choice_of_signals(background: Any, patchset: Any, tmp_path: Path) -> None:
    (tmp_path / "background.json").write_text(json.dumps(background))
    (tmp_path / "patchset.json").write_text(json.dumps(patchset))
    calls: list[tuple[int, int]] = []
    found = mass_scan(
        tmp_path / "background.json",
        tmp_path / "patchset.json",
        names=["m300", "m100"],
        expected=False,
        progress=lambda done, total: calls.append((done, total)),
    )
    assert found.names == ("m300", "m100")
    assert found.expected is None
    assert calls == [(1, 2), (2, 2)]


def test_unusable_signals_do_not_harm_others(background: Any, patchset: Any) -> None:
    patchset["patches"][1]["patch"][0]["value"]["data"] = [1.0, nan]
    patchset["patches"][2]["patch"][0]["path"] = "/channels/7/samples/0"
    found = mass_scan(background, patchset)
    assert set(found.errors) == {"m200", "m300"}
    assert "bin 1: yield is nan" in found.errors["m200"]
    assert np.isfinite(found.observed[0])
    assert np.isnan(found.observed[1:]).all()
    assert found.to_dict()["points"][1]["obs_limit"] is None


def test_excluded_signals(background: Any, patchset: Any) -> None:
    found = mass_scan(background, patchset)
    assert found.excluded == tuple(
        name for name, limit in zip(found.names, found.observed, strict=True) if limit < 1.0
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"names": ["m150"]}, "no patch of the patchset named 'm150'"),
        ({"cross_sections": {"m100": 1.0}}, "lacks 2 of 3 signals: 'm200', 'm300'"),
        ({"alpha": 2.0}, "`alpha` must lie"),
    ],
)
def test_refusals(background: Any, patchset: Any, change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        mass_scan(background, patchset, **change)


def test_patchset_of_another_workspace(background: Any, patchset: Any) -> None:
    background["observations"][0]["data"][0] = 77.0
    with pytest.raises(InputError, match="another workspace"):
        mass_scan(background, patchset)
    assert len(mass_scan(background, patchset, verify=False).limits) == 3


def test_values_must_fit_the_labels(background: Any, patchset: Any) -> None:
    patchset["patches"][0]["metadata"]["values"] = [1.0, 2.0]
    with pytest.raises(FormatError, match="found 2; expected 1, one per label: 'mass'"):
        mass_scan(background, patchset)
