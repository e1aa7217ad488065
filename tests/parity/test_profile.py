"""Scans, intervals and contours of published analyses, against cabinetry and the definition."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

nextstat = pytest.importorskip("nextstat", reason="parity tests use the public interface")

#: Two parameters of which contours are drawn, the parameter of interest first.
PAIRS = {
    "real/tHu": ("SigXsecOverSM", "NFttbarW"),
    "real/tttt-prod": ("mu_signal", "NF_ttW"),
    "real/atlas-ttz-3l": ("mu_XS_ttZ", "mu_WZ"),
    "real/sbottom-C+sbottom_1600_850_60": ("mu_SIG", "mu_ttbar"),
}
#: Intervals that are checked one by one, besides the pair.
EVERY = 40


def in_pairs(case: Any) -> bool:
    return case.id in PAIRS


def in_cabinetry(case: Any) -> bool:
    return case.id in {
        "real/sbottom-C+sbottom_1600_850_60",
        "small/nextstat-small/complex_workspace",
    }


def rise_at(model: Any, nll: float, held: dict[str, float]) -> float:
    """2 dNLL of a fit by itself, started where all fits start."""
    from nextstat_core.infer import fit_minimum

    return float(2.0 * (fit_minimum(model, fixed=held).nll - nll))


@pytest.mark.cases(select=in_pairs)
def test_ends_of_intervals_lie_on_the_level(case: Any, load: Callable[[Any], Any]) -> None:
    model = load(case)
    found = nextstat.intervals(model)
    assert found.best.nll == pytest.approx(nextstat.fit(model).nll, abs=1e-8)
    assert "failed" not in {*found.lower_ends, *found.upper_ends}
    chosen = [*PAIRS[case.id], *found.names[::EVERY]]
    for each in (found[name] for name in chosen):
        for value, end in ((each.lower, each.lower_end), (each.upper, each.upper_end)):
            rise = rise_at(model, found.best.nll, {each.name: value})
            if end == "bound":
                assert -1e-6 < rise < 1.0
            else:
                assert rise == pytest.approx(1.0, abs=1e-6), each


@pytest.mark.cases(select=in_pairs)
def test_corners_of_contours_lie_on_the_level(case: Any, load: Callable[[Any], Any]) -> None:
    model, pair = load(case), PAIRS[case.id]
    found = nextstat.contour(model, *pair, n_points=8)
    for level, delta in enumerate(found.delta):
        for corner in (0, 3, 5):
            held = dict(zip(pair, found.points[level, corner].tolist(), strict=True))
            rise = rise_at(model, found.best.nll, held)
            if found.ends[level][corner] == "bound":
                assert -1e-6 < rise < delta
            else:
                assert rise == pytest.approx(delta, rel=1e-6)


@pytest.mark.cases(select=in_pairs)
def test_scan_is_made_of_conditional_fits(case: Any, load: Callable[[Any], Any]) -> None:
    model, values = load(case), np.linspace(0.0, 5.0, 21)
    found = nextstat.profile_curve(model, values)
    assert all(point["converged"] for point in found["points"])
    for i in (0, 3, 20):
        held = {PAIRS[case.id][0]: values[i]}
        rise = rise_at(model, found["nll_hat"], held)
        assert found["twice_delta_nll"][i] == pytest.approx(rise, abs=1e-7)


# cabinetry needs a part of jsonschema, and of pyhf, that is deprecated.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.cases(select=in_cabinetry)
def test_minos_and_scan_of_cabinetry(case: Any, load: Callable[[Any], Any]) -> None:
    cabinetry = pytest.importorskip("cabinetry", reason="the reference of this test")
    model = load(case)
    name = model.parameter_names()[model.poi_index()]
    reference, data = cabinetry.model_utils.model_and_data(json.loads(case.text()))
    fitted = cabinetry.fit.fit(reference, data, minos=[name], tolerance=1e-3)
    ours = nextstat.interval(model, name)
    lower, upper = fitted.minos_uncertainty[name]
    if not ours.lower_end:
        assert ours.errors[0] == pytest.approx(lower, rel=2e-3)
    assert ours.errors[1] == pytest.approx(upper, rel=2e-3)
    scan = cabinetry.fit.scan(
        reference, data, name, par_range=(0.0, 2.0 * ours.upper), n_steps=5, tolerance=1e-3
    )
    curve = nextstat.profile_curve(model, scan.parameter_values)
    assert curve["twice_delta_nll"] == pytest.approx(list(scan.delta_nlls), abs=2e-3)
