"""CLs and limits of published analyses and small cases against pyhf 0.7.6."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nextstat_core.infer import hypotest, upper_limits
from parity_matrix.golden import SHORT_REAL, comparable

if TYPE_CHECKING:
    from collections.abc import Callable

    from nextstat_core.models import HistFactoryModel

pyhf = pytest.importorskip("pyhf", reason="the reference of these tests")

# pyhf 0.7.6 validates its schemas with a part of jsonschema that is deprecated, and divides by CLb.
pytestmark = [
    pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]

#: Small cases of which pyhf's own minimiser has no answer to 1e-6, and why.
BEYOND_PYHF = {
    "small/nextstat-small/two_channel_workspace": "no background: no likelihood without signal",
    "small/nextstat-small/workspace": "no background: no likelihood without signal",
}


#: Analyses with several minima at one tested value, of which a single test may miss the lowest.
SEVERAL_MINIMA = {"real/sbottom-B+sbottom_1000_205_60"}


def with_reference(case: Any) -> bool:
    """Whether the stored CLs is that of the lowest known minima.

    Its free fit has to be, with a signal that q-tilde allows, and two minimisers of pyhf have to
    agree about CLs; on sbottom-full-C one of them is stuck in a conditional fit.
    """
    if not comparable(case) or "CLs_obs" not in case.values.get("reference_hypotest_mu1", {}):
        return False
    reference, best = case.values["reference"], case.values["best_known"]
    stored = case.values["reference_hypotest_mu1"]
    others = [case.values.get(name, {}) for name in ("hypotest_mu1", "hypotest_mu1_jax")]
    answers = [each["CLs_obs"] for each in others if isinstance(each.get("CLs_obs"), float)]
    return (
        reference["twice_nll"] <= best["twice_nll"] + 1e-6
        and reference["mu_hat"] >= 0.0
        and all(abs(answer - stored["CLs_obs"]) < 1e-2 for answer in answers)
    )


def only_in_long_form(case: Any) -> bool:
    return case.id not in SHORT_REAL


def small_with_poi(case: Any) -> bool:
    return (
        comparable(case)
        and case.id.startswith("small/")
        and case.entry["poi"] is not None
        and case.id not in BEYOND_PYHF
    )


@pytest.mark.cases(select=with_reference, slow=only_in_long_form)
@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_cls_of_large_analyses(case: Any, backend: str, load: Callable[[Any], Any]) -> None:
    if backend == "torch":
        pytest.importorskip("torch")
    stored = case.values["reference_hypotest_mu1"]
    found = hypotest(load(case).to(backend), 1.0)
    assert found.converged
    assert found.cls == pytest.approx(stored["CLs_obs"], abs=1e-6)
    assert found.clsb == pytest.approx(stored["CLsb"], abs=1e-6)
    assert found.clb == pytest.approx(stored["CLb"], abs=1e-6)
    assert found.expected_cls == pytest.approx(np.array(stored["CLs_exp"], dtype=float), abs=1e-6)


def test_enough_large_analyses_are_compared() -> None:
    from parity_matrix.golden import golden_cases

    if not golden_cases():
        pytest.skip("no published workspaces")
    chosen = {case.id for case in golden_cases() if with_reference(case)}
    assert {"real/tttt-prod", "real/atlas-ttz-3l", "real/bottom-squarks"} <= chosen
    assert len(chosen) >= 14


def _in_pyhf(case: Any) -> tuple[Any, Any, Any]:
    """Model, data and bounds with that of the POI at zero, as q-tilde is defined."""
    pyhf.set_backend("numpy", pyhf.optimize.scipy_optimizer(tolerance=1e-12))
    workspace = pyhf.Workspace(json.loads(case.text()))
    model = workspace.model(measurement_name=case.entry["measurement"], poi_name=case.entry["poi"])
    bounds = model.config.suggested_bounds()
    poi = model.config.poi_index
    # pyhf refuses tested values above the upper bound.
    bounds[poi] = (0.0, max(bounds[poi][1], 20.0))
    return model, workspace.data(model), bounds


@pytest.mark.cases(select=small_with_poi, slow=lambda case: "combine" in case.id)
def test_cls_of_small_workspaces(case: Any, load: Callable[[Any], Any]) -> None:
    model, data, bounds = _in_pyhf(case)
    ours = load(case)
    for mu in (0.5, 1.0, 2.0):
        cls, tails, bands = pyhf.infer.hypotest(
            mu, data, model, par_bounds=bounds, return_tail_probs=True, return_expected_set=True
        )
        found = hypotest(ours, mu)
        assert found.cls == pytest.approx(float(cls), abs=1e-6), mu
        assert [found.clsb, found.clb] == pytest.approx([float(x) for x in tails], abs=1e-6), mu
        assert found.expected_cls == pytest.approx([float(x) for x in bands], abs=1e-6), mu


@pytest.mark.slow
@pytest.mark.cases(select=small_with_poi)
def test_limits_of_small_workspaces(case: Any, load: Callable[[Any], Any]) -> None:
    model, data, bounds = _in_pyhf(case)
    found = upper_limits(load(case))
    assert found.expected is not None
    low = 0.5 * min(found.observed, found.expected[0])
    high = 1.5 * max(found.observed, found.expected[-1])
    try:
        observed, bands = pyhf.infer.intervals.upper_limits.toms748_scan(
            data, model, low, high, level=0.05, rtol=1e-8, par_bounds=bounds
        )
    except pyhf.exceptions.FailedMinimization as error:
        pytest.skip(f"a fit of pyhf fails: {error}")
    assert found.observed == pytest.approx(float(observed), rel=1e-4)
    assert found.expected == pytest.approx([float(band) for band in bands], rel=1e-4)


def real_with_poi(case: Any) -> bool:
    return comparable(case) and case.id.startswith("real/") and case.entry["poi"] is not None


@pytest.mark.cases(select=real_with_poi, slow=only_in_long_form)
def test_limits_are_where_cls_is_alpha(
    case: Any, load: Callable[[Any], HistFactoryModel], request: pytest.FixtureRequest
) -> None:
    if case.id in SEVERAL_MINIMA:
        reason = "a test alone does not follow the lowest minimum from neighbouring values"
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    model = load(case)
    found = upper_limits(model)
    assert found.expected is not None
    assert hypotest(model, found.observed).cls == pytest.approx(0.05, rel=1e-4)
    for i, limit in enumerate(found.expected):
        bands = hypotest(model, limit).expected_cls
        assert bands is not None
        assert bands[i] == pytest.approx(0.05, rel=1e-4)
