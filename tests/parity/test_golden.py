"""Published analyses and small cases against values computed with pyhf 0.7.6.

The golden file stores log-probabilities, expected data, and twice the lowest known NLL; parameters
are in pyhf's order.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from parity_matrix.golden import INTENDED_DIFFERENCES, SHORT_REAL, comparable, in_our_order

if TYPE_CHECKING:
    from collections.abc import Callable

    from parity_matrix.ledger import Check

#: Refusals that both share, and the words that tell the user where the mistake is.
REFUSALS = {
    "patchset/susy-2018-31-sbottom": "lumi.*sigmas",
    "patho/nextstat-small/bad_histosys_template_length_mismatch": "background.*shape_sys",
    "patho/nextstat-small/bad_sample_length_mismatch": "background.*2 expected.*1 found",
    "patho/pathological-issues/issue1908_shapesys_shared_across_channels": "Background.*par",
    "patho/pathological-issues/made_mismatched_bins": "SR.*bkg.*2 expected.*1 found",
    "patho/pathological-issues/made_wrong_version": r"9\.9\.9",
    "patho/pyhf-testsuite/test_modifiers/spec": "observations.*measurements",
    "patho/pyhf-testsuite/test_schema/customschema/custom": r"1\.1\.0",
    "patho/pyhf-testsuite/test_schema/model_duplicate_channels": "singlechannel",
    "patho/pyhf-testsuite/test_schema/model_duplicate_modifiers": "signal.*mu",
    "patho/pyhf-testsuite/test_schema/model_duplicate_samples": "singlechannel.*signal",
}

#: pyhf has no word for the constraints of these; nextstat reads them.
EXTENDED = {"small/xml-nextstat-small/workspace"}
REASONS = {"max_iterations", "saddle", "non_positive_rate", "stalled"}


def refused(case: Any) -> bool:
    if case.id in EXTENDED:
        return False
    return case.is_pyhf and not (case.loads and case.id not in INTENDED_DIFFERENCES)


def without_declared_poi(case: Any) -> bool:
    return comparable(case) and bool(case.entry["poi_declared"]) and case.entry["poi"] is None


def only_in_long_form(case: Any) -> bool:
    return not (case.id.startswith(("small/", "patho/")) or case.id in SHORT_REAL)


@pytest.mark.cases(select=comparable)
def test_parameters_are_those_of_pyhf(case: Any, load: Callable[[Any], Any]) -> None:
    model = load(case)
    order = model.pyhf_order()
    assert [model.parameter_names()[i] for i in order] == case.entry["par_names"]
    assert [model.suggested_init()[i] for i in order] == case.entry["init"]


@pytest.mark.cases(select=comparable)
def test_bounds_are_those_of_pyhf_unless_fixed(case: Any, load: Callable[[Any], Any]) -> None:
    model = load(case)
    bounds = [tuple(model.suggested_bounds()[i]) for i in model.pyhf_order()]
    start = case.entry["init"]
    for i, (found, expected) in enumerate(zip(bounds, case.entry["bounds"], strict=True)):
        if case.entry["fixed"][i]:
            assert found in {tuple(expected), (start[i], start[i])}
        else:
            assert found == tuple(expected)


@pytest.mark.cases(select=comparable)
@pytest.mark.parametrize("point", ["init", "probe"])
def test_nll_is_that_of_pyhf(
    case: Any, point: str, load: Callable[[Any], Any], check: Check
) -> None:
    model = load(case)
    pyhf_values = case.entry["init"] if point == "init" else case.values["probe_pars"]
    expected = -case.values[f"logpdf_{point}"]
    assert math.isfinite(expected)
    check("NLL of pyhf", model.nll(in_our_order(model, pyhf_values)), expected)


def cell_sums(model: Any, *points: list[float]) -> np.ndarray:
    """Per main bin, the largest sum over samples of the absolute yields at the points."""
    sums = []
    for point in points:
        channels = model.expected_main_by_channel_sample(point)
        by_channel = [
            np.sum([np.abs(sample["y"]) for sample in channel["samples"]], axis=0)
            for channel in channels
        ]
        sums.append(np.concatenate(by_channel))
    return np.max(sums, axis=0)


@pytest.mark.cases(select=comparable)
@pytest.mark.parametrize("point", ["init", "probe"])
def test_expected_main_data_are_those_of_pyhf(
    case: Any, point: str, load: Callable[[Any], Any], check: Check
) -> None:
    model = load(case)
    init = in_our_order(model, case.entry["init"])
    values = in_our_order(model, case.values["probe_pars"]) if point == "probe" else init
    found = np.asarray(model.expected_data(values, include_auxdata=False))
    expected = np.asarray(case.values[f"expected_actualdata_{point}"])
    assert found.shape == expected.shape
    check("expected data of pyhf", found, expected, unit=cell_sums(model, init, values))


@pytest.mark.cases(select=comparable)
def test_expected_auxiliary_data_are_the_data_of_the_start(
    case: Any, load: Callable[[Any], Any]
) -> None:
    model = load(case)
    init = in_our_order(model, case.entry["init"])
    found = model.expected_data(init)
    assert len(found) == case.entry["n_bins"] + case.entry["n_auxdata"]
    expected = case.values["expected_data_sum_init"]
    assert math.fsum(found) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def words_of_refusal(case_id: str) -> str:
    if case_id in INTENDED_DIFFERENCES:
        return INTENDED_DIFFERENCES[case_id][1]
    (words,) = (words for start, words in REFUSALS.items() if case_id.startswith(start))
    return words


@pytest.mark.cases(select=refused)
def test_unusable_document_is_refused_with_its_place(case: Any, load: Callable[[Any], Any]) -> None:
    from nextstat_core.errors import FormatError, ModelError

    with pytest.raises((ModelError, FormatError), match=f"(?s){words_of_refusal(case.id)}"):
        load(case)


@pytest.mark.cases(select=without_declared_poi)
def test_absent_parameter_of_interest_is_refused_with_the_remedy(case: Any) -> None:
    nextstat = pytest.importorskip("nextstat", reason="parity tests use the public interface")
    from nextstat_core.errors import NextstatError

    with pytest.raises(NextstatError, match="poi=None"):
        nextstat.from_pyhf(case.text(), measurement=case.entry["measurement"])


@pytest.mark.cases(select=comparable, slow=only_in_long_form)
def test_minimum_is_at_or_below_the_lowest_known(case: Any, load: Callable[[Any], Any]) -> None:
    nextstat = pytest.importorskip("nextstat")
    model = load(case)
    result = nextstat.fit(model)
    assert result.nll <= 0.5 * case.values["best_known"]["twice_nll"] + 1e-6
    assert result.nll == pytest.approx(model.nll(result.parameters), rel=1e-12, abs=1e-12)
    assert result.converged == (result.termination_reason == "edm")
    assert result.converged or result.termination_reason in REASONS


def numeric_hessian(model: Any, point: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Central differences of the gradient, over the free parameters."""
    columns = []
    for i in free:
        step = 1e-5 * max(1.0, abs(point[i]))
        sides = []
        for sign in (1.0, -1.0):
            moved = point.copy()
            moved[i] += sign * step
            sides.append(np.asarray(model.grad_nll(moved.tolist()))[free])
        columns.append((sides[0] - sides[1]) / (2.0 * step))
    hessian = np.asarray(columns).reshape(len(free), len(free))
    return 0.5 * (hessian + hessian.T)


@pytest.mark.cases(select=comparable, slow=only_in_long_form)
def test_converged_fit_stands_at_a_minimum(case: Any, load: Callable[[Any], Any]) -> None:
    nextstat = pytest.importorskip("nextstat")
    model = load(case)
    result = nextstat.fit(model)
    assert result.converged, result.termination_reason
    point, bounds = np.asarray(result.parameters), np.asarray(model.suggested_bounds())
    gradient = np.asarray(model.grad_nll(result.parameters))
    fixed = in_our_order(model, [float(each) for each in case.entry["fixed"]])
    room = 1e-4 * np.maximum(1.0, np.abs(point))
    at_lower, at_upper = point - bounds[:, 0] < room, bounds[:, 1] - point < room
    stuck = (at_lower & (gradient >= 0.0)) | (at_upper & (gradient <= 0.0))
    free = np.flatnonzero(~stuck & ~np.asarray(fixed, dtype=bool))
    hessian = numeric_hessian(model, point, free)
    values, vectors = np.linalg.eigh(hessian)
    assert np.all(values > -1e-5 * max(1.0, np.max(np.abs(values), initial=0.0)))
    measured = values > 1e-6 * np.max(values, initial=1.0)
    parts = (vectors.T @ gradient[free])[measured]
    assert 0.5 * np.sum(parts**2 / values[measured]) < 1e-7
