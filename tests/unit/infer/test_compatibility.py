"""Compatibility of channels: closed forms, and pyhf with the parameter split by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyhf
import pytest
from scipy.stats import chi2

from nextstat_core.errors import InputError, MissingPOIError
from nextstat_core.infer import channel_compatibility
from nextstat_core.models import GaussianMeanModel

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")

SIGNAL = {"A": 10.0, "B": 20.0, "C": 5.0}
OBSERVED = {"A": 60.0, "B": 85.0, "C": 62.0}
BACKGROUND = 50.0


def _content(part: Any, *extra: Any) -> tuple[Any, Any]:
    channels = {
        name: [
            part.sample("signal", [signal], part.modifier("mu", "normfactor")),
            part.sample("bkg", [BACKGROUND], *extra),
        ]
        for name, signal in SIGNAL.items()
    }
    return channels, {name: [count] for name, count in OBSERVED.items()}


def test_counting_experiments(write: Callable[..., Any], part: Any) -> None:
    found = channel_compatibility(write(*_content(part)))
    # Each channel alone meets its count exactly.
    for name, signal in SIGNAL.items():
        assert found[name].value == pytest.approx((OBSERVED[name] - BACKGROUND) / signal, rel=1e-7)
    rate = BACKGROUND + found.common["mu"].value * np.array(list(SIGNAL.values()))
    count = np.array(list(OBSERVED.values()))
    expected = 2.0 * np.sum(rate - count - count * np.log(rate / count))
    assert found.statistic == pytest.approx(expected, abs=1e-7)
    assert found.ndof == 2
    assert found.p_value == pytest.approx(chi2.sf(expected, 2), rel=1e-6)
    assert found.warnings == ()


def test_groups_of_channels_as_pyhf_fits_them(write: Callable[..., Any], part: Any) -> None:
    shared = part.modifier("norm", "normsys", {"hi": 1.1, "lo": 0.9})
    channels, observed = _content(part, shared)
    found = channel_compatibility(write(channels, observed), {"ab": ["A", "B"], "c": "C"})
    pyhf.set_backend("numpy", pyhf.optimize.scipy_optimizer(tolerance=1e-12))
    twice = []
    for names in ({"A": "mu", "B": "mu", "C": "mu"}, {"A": "mu", "B": "mu", "C": "mu_c"}):
        for name, samples in channels.items():
            samples[0]["modifiers"][0]["name"] = names[name]
        spec = {"channels": [{"name": n, "samples": s} for n, s in channels.items()]}
        model = pyhf.Model(spec, poi_name="mu")
        data = [observed[n][0] for n in model.config.channels] + model.config.auxdata
        twice.append(float(pyhf.infer.mle.fit(data, model, return_fitted_val=True)[1]))
    assert found.statistic == pytest.approx(twice[0] - twice[1], abs=1e-6)
    assert found.ndof == 1
    assert found.groups == {"ab": ("A", "B"), "c": ("C",)}


def test_any_free_factor(write: Callable[..., Any], part: Any) -> None:
    channels, observed = _content(part, part.modifier("k", "normfactor"))
    for name, samples in channels.items():
        samples[0]["modifiers"][0]["name"] = f"mu_in_{name}"
    model = write(channels, observed, poi="")
    fixed = [f"mu_in_{name}" for name in channels]
    found = channel_compatibility(model, parameter="k", fixed=dict.fromkeys(fixed, 1.0))
    for name, signal in SIGNAL.items():
        wanted = (OBSERVED[name] - signal) / BACKGROUND
        assert found[name].value == pytest.approx(wanted, rel=1e-6)
    assert found.common.parameter_names.index("k") >= 0


def test_estimates_at_a_bound_are_named(write: Callable[..., Any], part: Any) -> None:
    channels, observed = _content(part)
    observed["A"] = [40.0]
    model = write(channels, observed)
    found = channel_compatibility(model)
    assert found["A"].at_bound == "lower"
    assert "mu_A at a bound: the statistic does not follow" in found.warnings[0]
    free = channel_compatibility(model, bounds=(-5.0, 20.0))
    assert free["A"].value == pytest.approx(-1.0)
    assert free.warnings == ()


def test_other_data(write: Callable[..., Any], part: Any) -> None:
    model = write(*_content(part))
    agreeing = BACKGROUND + 1.5 * np.array(list(SIGNAL.values()))
    found = channel_compatibility(model, data=agreeing)
    assert found.statistic == pytest.approx(0.0, abs=1e-7)
    assert found.p_value == pytest.approx(1.0, abs=1e-6)


def test_tables(write: Callable[..., Any], part: Any, read_html: Any) -> None:
    found = channel_compatibility(write(*_content(part)))
    assert repr(found).startswith("Compatibility of 3 groups of channels in mu: ")
    rows = read_html(found._repr_html_()).rows
    assert [row[0] for row in rows] == ["channels", "all", "A", "B", "C"]
    assert found.to_dict()["groups"]["B"]["value"] == pytest.approx(1.75)


def test_refused(write: Callable[..., Any], load: Callable[..., Any], part: Any) -> None:
    model = write(*_content(part))
    with pytest.raises(InputError, match="in no group: 'B', 'C'"):
        channel_compatibility(model, {"a": ["A"]})
    with pytest.raises(InputError, match="expected at least two groups"):
        channel_compatibility(load("simple"))
    with pytest.raises(InputError, match="one parameter per bin"):
        channel_compatibility(load("full"), {"a": "SR", "b": []}, parameter="bkg_ss")
    with pytest.raises(InputError, match="'bkg_norm' has a constraint"):
        channel_compatibility(load("full"), parameter="bkg_norm")
    with pytest.raises(InputError, match="no modifier named 'nu'"):
        channel_compatibility(model, parameter="nu")
    with pytest.raises(MissingPOIError):
        channel_compatibility(load("gammas"))
    with pytest.raises(InputError, match="need a HistFactory model"):
        channel_compatibility(GaussianMeanModel([1.0], 1.0))  # type: ignore[arg-type]
