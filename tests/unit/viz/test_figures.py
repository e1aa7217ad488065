"""Figures as plain data: what they show of results."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import jsonschema
import numpy as np
import pytest

import nextstat_viz as viz
from nextstat import ranking
from nextstat_core import infer
from nextstat_core.errors import InputError
from nextstat_core.results import MassScan
from nextstat_viz.figure import Axis, FigureSpec, Line, Panel

FIGURES = {
    "channels": lambda r: viz.channels_figure(r["postfit"], prefit=r["prefit"]),
    "cls": lambda r: viz.cls_figure(r["cls"]),
    "contour": lambda r: viz.contour_figure(r["contour"]),
    "correlation": lambda r: viz.correlation_figure(r["fit"]),
    "distribution": lambda r: viz.distribution_figure(
        r["postfit"], "SR_boosted", prefit=r["prefit"], signal=["signal"]
    ),
    "profile": lambda r: viz.profile_figure(r["profile"], interval=r["interval"]),
    "pulls": lambda r: viz.pulls_figure(r["fit"]),
    "ranking": lambda r: viz.ranking_figure(r["postfit_impacts"], prefit=r["prefit_impacts"]),
    "toys": lambda r: viz.toys_figure(r["toys"]),
}


def series(spec: FigureSpec, role: str) -> Any:
    (found,) = [each for each in spec.panel.series if each.role == role]
    return found


@pytest.mark.parametrize("name", FIGURES)
def test_figure_follows_the_schema(name: str, results: dict[str, Any]) -> None:
    plain = json.loads(json.dumps(FIGURES[name](results).to_dict(), allow_nan=False))
    jsonschema.Draft202012Validator(viz.figure_schema()).validate(plain)
    assert plain["name"] == name
    assert plain["description"]


@pytest.mark.parametrize("name", FIGURES)
def test_same_result_gives_the_same_bytes(name: str, results: dict[str, Any]) -> None:
    first, second = (json.dumps(FIGURES[name](results).to_dict()) for _ in range(2))
    assert first == second


def test_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(viz.figure_schema())


@pytest.mark.parametrize(
    "change",
    [
        {"schema_version": "nextstat.figure.v2"},
        {"extra": 1},
        {"series": [{"kind": "line", "axis": "x", "x": [1.0]}]},
        {"series": [{"kind": "pie", "axis": "x"}]},
        {"axes": {"x": {"label": "", "scale": "cubic"}, "y": {"label": "", "scale": "log"}}},
    ],
)
def test_schema_refuses_what_is_no_figure(change: dict[str, Any]) -> None:
    axis = Axis(label="a")
    spec = FigureSpec(
        name="n",
        title="t",
        description="d",
        panel=Panel(x=axis, y=axis, series=(Line(x=[0.0, 1.0], y=[np.nan, 2.0]),)),
    )
    validator = jsonschema.Draft202012Validator(viz.figure_schema())
    assert validator.is_valid(spec.to_dict())
    assert not validator.is_valid(spec.to_dict() | change)


def test_missing_numbers_become_null() -> None:
    line = Line(x=[0.0, 1.0, 2.0], y=[np.nan, np.inf, 3.0])
    assert line.to_dict()["y"] == [None, None, 3.0]


# -- fits -----------------------------------------------------------------------------------------


def test_largest_pulls_come_first_and_the_rest_is_counted(make_fit: Any) -> None:
    spec = viz.pulls_figure(make_fit([0.1, -2.0, 0.7]), top_n=2)
    assert [text for _, text in spec.panel.y.ticks] == ["p1", "p2"]
    assert "2 of 3" in spec.subtitle
    points = series(spec, "data")
    np.testing.assert_array_equal(points.x, [-2.0, 0.7])
    np.testing.assert_array_equal(points.x_hi - points.x, [0.5, 0.5])


def test_pulls_leave_out_fixed_and_free_parameters(make_fit: Any) -> None:
    fit = make_fit([0.1, 0.2, np.nan], fixed=(True, False, False))
    assert [text for _, text in viz.pulls_figure(fit).panel.y.ticks] == ["p1"]


def test_pulls_need_a_constraint(make_fit: Any) -> None:
    with pytest.raises(InputError, match="no free parameter has a constraint"):
        viz.pulls_figure(make_fit([0.1], fixed=(True,)))


def test_correlations_are_cut_to_the_large_ones(make_fit: Any) -> None:
    covariance = np.eye(4)
    covariance[0, 1] = covariance[1, 0] = 0.6
    covariance[2, 3] = covariance[3, 2] = 0.05
    fit = make_fit([0.0] * 4, covariance_source=covariance)
    spec = viz.correlation_figure(fit, threshold=0.1)
    assert [text for _, text in spec.panel.x.ticks] == ["p0", "p1"]
    np.testing.assert_array_equal(series(spec, "correlation").values, [[1.0, 0.6], [0.6, 1.0]])
    assert "2 of 4" in spec.subtitle


def test_correlations_keep_the_parameter_of_interest(make_fit: Any) -> None:
    covariance = np.eye(3)
    covariance[0, 1] = covariance[1, 0] = 0.6
    fit = make_fit([0.0] * 3, covariance_source=covariance, poi_index=2)
    spec = viz.correlation_figure(fit, top_n=2)
    assert [text for _, text in spec.panel.x.ticks] == ["p0", "p2"]


def test_correlations_of_named_parameters_keep_their_order(make_fit: Any) -> None:
    fit = make_fit([0.0] * 3, covariance_source=np.eye(3))
    spec = viz.correlation_figure(fit, names=("p2", "p0"))
    assert [text for _, text in spec.panel.y.ticks] == ["p2", "p0"]
    with pytest.raises(InputError, match="no parameter named 'q'"):
        viz.correlation_figure(fit, names=("q", "p0"))


def test_correlations_need_a_covariance(make_fit: Any) -> None:
    with pytest.raises(InputError, match="no covariance"):
        viz.correlation_figure(make_fit([0.0, 0.0]))
    with pytest.raises(InputError, match="fewer than two"):
        viz.correlation_figure(make_fit([0.0, 0.0], covariance_source=np.eye(2)))


# -- yields ---------------------------------------------------------------------------------------


def _layers(spec: FigureSpec) -> list[Any]:
    return [each for each in spec.panel.series if each.role.startswith(("sample", "signal"))]


def test_layers_of_a_stack_touch_and_end_at_the_total(results: dict[str, Any]) -> None:
    channel = results["postfit"]["SR_boosted"]
    layers = _layers(viz.distribution_figure(results["postfit"], "SR_boosted"))
    np.testing.assert_allclose(layers[0].y_hi, channel.total, rtol=1e-12)
    np.testing.assert_array_equal(layers[-1].y_lo, 0.0)
    for upper, lower in itertools.pairwise(layers):
        np.testing.assert_array_equal(upper.y_lo, lower.y_hi)


def test_small_samples_are_summed_and_counted(results: dict[str, Any]) -> None:
    layers = _layers(viz.channels_figure(results["postfit"], most=3))
    n_samples = len(results["postfit"].samples)
    assert next(each.label for each in layers) == f"other ({n_samples - 2} samples)"
    assert len(layers) == 3


def test_signal_is_on_top(results: dict[str, Any]) -> None:
    layers = _layers(viz.distribution_figure(results["postfit"], "SR_boosted", signal=["signal"]))
    assert (layers[0].label, layers[0].role) == ("signal", "signal")


def test_band_and_data_are_those_of_the_yields(results: dict[str, Any]) -> None:
    channel = results["postfit"]["SR_boosted"]
    spec = viz.distribution_figure(results["postfit"], "SR_boosted")
    band, data = series(spec, "uncertainty"), series(spec, "data")
    np.testing.assert_allclose(band.y_hi - band.y_lo, 2.0 * channel.total_errors, rtol=1e-9)
    np.testing.assert_array_equal(data.y, channel.observed)
    np.testing.assert_array_equal(data.x, np.arange(1, channel.n_bins + 1))


def test_ratio_shows_every_point(results: dict[str, Any]) -> None:
    for channel in results["prefit"].channels:
        below = viz.distribution_figure(results["prefit"], channel.channel).below
        assert below is not None
        (low, high) = below.y.limits or (np.nan, np.nan)
        ratio = channel.observed / channel.total
        inside = next(each for each in below.series if each.role == "data").y
        np.testing.assert_allclose(inside[np.isfinite(inside)], ratio[ratio <= 3.0])
        assert low <= np.nanmin(inside)
        assert np.nanmax(inside) <= high


def test_sums_of_channels_are_those_of_the_yields(results: dict[str, Any]) -> None:
    spec = viz.channels_figure(results["postfit"])
    expected = [each.sum for each in results["postfit"].channels]
    np.testing.assert_allclose(_layers(spec)[0].y_hi, expected, rtol=1e-12)
    names = [each.channel for each in results["postfit"].channels]
    assert [text for _, text in spec.panel.x.ticks] == names


def test_unknown_channel_is_refused(results: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="no channel named 'SR_bosted'"):
        viz.distribution_figure(results["postfit"], "SR_bosted")


# -- tests, limits, scans -------------------------------------------------------------------------


def test_cls_has_the_curves_and_limits_of_the_scan(results: dict[str, Any]) -> None:
    scan = results["cls"]
    spec = viz.cls_figure(scan)
    np.testing.assert_array_equal(series(spec, "observed").y, scan.cls)
    np.testing.assert_array_equal(series(spec, "expected").y, scan.expected_cls[2])
    np.testing.assert_array_equal(series(spec, "sigma2").y_hi, scan.expected_cls[4])
    assert series(spec, "limit").x == scan.observed_limit
    assert series(spec, "threshold").y == scan.alpha


def test_cls_without_a_crossing_says_so(example: Any) -> None:
    spec = viz.cls_figure(infer.cls_scan(example, [0.0, 0.1]))
    assert "observed limit: none" in spec.notes
    assert not [each for each in spec.panel.series if each.role == "limit"]


def test_cls_leaves_out_what_did_not_converge(results: dict[str, Any]) -> None:
    scan = results["cls"]
    converged = np.arange(len(scan.mu_values)) != 2
    spec = viz.cls_figure(replace(scan, converged=converged))
    np.testing.assert_array_equal(series(spec, "observed").y, scan.cls[converged])
    assert "1 not converged, left out" in spec.notes
    with pytest.raises(InputError, match="fewer than two values"):
        viz.cls_figure(replace(scan, converged=np.zeros(len(converged), dtype=bool)))


def test_profile_is_drawn_in_the_order_of_its_values(example: Any, results: dict[str, Any]) -> None:
    scan = infer.profile_scan(example, [2.0, 0.5, 1.0])
    curve = series(viz.profile_figure(scan), "curve")
    np.testing.assert_array_equal(curve.x, [0.5, 1.0, 2.0])
    np.testing.assert_array_equal(curve.y, scan.twice_delta_nll[[1, 2, 0]])


def test_profile_marks_the_ends_of_the_interval(results: dict[str, Any]) -> None:
    spec = viz.profile_figure(results["profile"], interval=results["interval"])
    ends = [each.x for each in spec.panel.series if each.role == "limit"]
    assert ends == [results["interval"].lower, results["interval"].upper]


def test_contours_are_the_lines_and_the_best_fit(results: dict[str, Any]) -> None:
    contour = results["contour"]
    spec = viz.contour_figure(contour)
    np.testing.assert_array_equal(series(spec, "contour1").x, contour.points[0, :, 0])
    np.testing.assert_array_equal(series(spec, "contour2").y, contour.points[1, :, 1])
    assert series(spec, "best").x == contour.best[contour.names[0]]


def a_scan(**changes: Any) -> MassScan:
    """Limits of four signals, of which the last has none."""
    expected = np.outer([1.0, 2.0, 4.0, np.nan], [0.25, 0.5, 1.0, 2.0, 4.0])
    columns: dict[str, Any] = {
        "alpha": 0.05,
        "names": ("a", "b", "c", "d"),
        "value_names": ("m1", "m2"),
        "values": ((300.0, 1.0), (100.0, 1.0), (200.0, 1.0), (400.0, 1.0)),
        "observed": np.array([3.0, 1.0, 2.0, np.nan]),
        "expected": expected,
        "cross_sections": None,
        "limits": {},
        "errors": {"d": "no such sample"},
    }
    return MassScan(**(columns | changes))


def test_limits_are_drawn_against_a_coordinate_in_its_order() -> None:
    spec = viz.mass_figure(a_scan(), unit="GeV")
    np.testing.assert_array_equal(series(spec, "observed").x, [100.0, 200.0, 300.0])
    np.testing.assert_array_equal(series(spec, "observed").y, [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(series(spec, "expected").y, [2.0, 4.0, 1.0])
    np.testing.assert_array_equal(series(spec, "sigma2").y_hi, [8.0, 16.0, 4.0])
    assert (spec.panel.x.label, spec.panel.x.unit) == ("m1", "GeV")
    assert spec.notes == ("1 without a limit, left out",)
    jsonschema.Draft202012Validator(viz.figure_schema()).validate(spec.to_dict())


def test_limits_on_cross_sections_come_with_the_prediction() -> None:
    spec = viz.mass_figure(a_scan(cross_sections=np.array([1.0, 10.0, 5.0, 2.0])))
    np.testing.assert_array_equal(series(spec, "theory").y, [10.0, 5.0, 1.0])
    np.testing.assert_array_equal(series(spec, "observed").y, [10.0, 10.0, 3.0])
    np.testing.assert_array_equal(series(spec, "expected").y, [20.0, 20.0, 1.0])


def test_signals_without_coordinates_stand_side_by_side() -> None:
    spec = viz.mass_figure(a_scan(value_names=(), values=((), (), (), ())))
    assert [text for _, text in spec.panel.x.ticks] == ["a", "b", "c"]
    np.testing.assert_array_equal(series(spec, "observed").y, [3.0, 1.0, 2.0])


def test_signals_of_a_plane_are_chosen_by_their_other_coordinate() -> None:
    plane = a_scan(values=((100.0, 1.0), (100.0, 2.0), (200.0, 2.0), (200.0, 1.0)))
    with pytest.raises(InputError, match=r"several signals have the same m1.*\n*.*where="):
        viz.mass_figure(plane)
    spec = viz.mass_figure(plane, where={"m2": 2.0})
    np.testing.assert_array_equal(series(spec, "observed").y, [1.0, 2.0])
    with pytest.raises(InputError, match="no coordinate named 'm3'"):
        viz.mass_figure(plane, x="m3")
    with pytest.raises(InputError, match="no chosen signal has one"):
        viz.mass_figure(plane, where={"m2": 3.0})


def test_words_are_no_coordinate() -> None:
    with pytest.raises(InputError, match="signal 'a': m1 is 'x', which is no number"):
        viz.mass_figure(a_scan(values=(("x", 1.0), (100.0, 1.0), (200.0, 1.0), (400.0, 1.0))))


# -- artifacts ------------------------------------------------------------------------------------


def test_ranking_artifact_counts_what_it_leaves_out(example: Any) -> None:
    found = viz.ranking_artifact(example, 3)
    everything = ranking(example)
    assert (found["n_returned"], found["n_total"]) == (3, len(everything))
    assert found["entries"] == everything[:3]
    assert list(found["entries"][0]) == [
        *("name", "delta_mu_up", "delta_mu_down", "pull", "constraint"),
    ]
    sizes = [max(abs(e["delta_mu_up"]), abs(e["delta_mu_down"])) for e in found["entries"]]
    assert sizes == sorted(sizes, reverse=True)
    with pytest.raises(InputError, match="`top_n` is -1"):
        viz.ranking_artifact(example, -1)


def test_ranking_arrays_are_the_columns(example: Any) -> None:
    entries = viz.ranking_artifact(example, 4)["entries"]
    columns = viz.ranking_arrays(example, 4)
    assert [
        dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
    ] == (entries)


def test_curves_have_the_keys_of_the_reference(example: Any) -> None:
    cls = viz.cls_curve(example, [0.0, 1.0, 2.0], alpha=0.1)
    assert cls["alpha"] == 0.1
    assert cls["nsigma_order"] == [2, 1, 0, -1, -2]
    assert cls["scan"] == cls["mu_values"] == [0.0, 1.0, 2.0]
    assert np.shape(cls["cls_exp"]) == (5, 3)
    assert {"obs_limit", "exp_limits", "cls_obs", "points"} <= set(cls)
    profile = viz.profile_curve(example, [0.0, 1.0])
    assert set(profile) >= {
        *(
            "poi_index",
            "mu_hat",
            "nll_hat",
            "mu_values",
            "q_mu_values",
            "twice_delta_nll",
            "points",
        ),
    }
    rise = [2.0 * (point["nll_mu"] - profile["nll_hat"]) for point in profile["points"]]
    np.testing.assert_allclose(profile["twice_delta_nll"], rise, atol=1e-9)


# -- ranking and toys -----------------------------------------------------------------------------


def test_ranking_has_boxes_from_zero_to_the_impacts(results: dict[str, Any]) -> None:
    impacts = results["postfit_impacts"]
    spec = viz.ranking_figure(impacts, prefit=results["prefit_impacts"], top_n=3)
    assert [text for _, text in spec.panel.y.ticks] == list(impacts.names[:3])
    for role, ends in (("up", impacts.up[:3]), ("down", impacts.down[:3])):
        boxes = series(spec, role)
        np.testing.assert_array_equal(np.where(ends > 0, boxes.x_hi, boxes.x_lo), ends)
        np.testing.assert_array_equal(np.where(ends > 0, boxes.x_lo, boxes.x_hi), 0.0)
    before = [results["prefit_impacts"][name].up for name in impacts.names[:3]]
    boxes = series(spec, "up_prefit")
    np.testing.assert_array_equal(np.add(boxes.x_lo, boxes.x_hi), before)
    np.testing.assert_array_equal(series(spec, "data").x, impacts.pull[:3])


def test_ranking_shares_a_row_among_shifts_to_the_same_side(results: dict[str, Any]) -> None:
    impacts = results["postfit_impacts"][:2]
    same = replace(impacts, up=np.array([0.5, 0.5]), down=np.array([0.2, -0.2]))
    spec = viz.ranking_figure(same)
    np.testing.assert_allclose(series(spec, "up").y_hi, [0.0, 1.4])
    np.testing.assert_allclose(series(spec, "down").y_lo, [0.0, 0.6])


def test_ranking_without_parameters_is_refused(results: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="no nuisance parameters"):
        viz.ranking_figure(results["postfit_impacts"][:0])


def test_toys_are_fractions_of_all_valid_ones(results: dict[str, Any]) -> None:
    test = results["toys"]
    spec = viz.toys_figure(test)
    for role in ("toys_sb", "toys_b"):
        assert np.sum(series(spec, role).y_hi) == pytest.approx(1.0)
    assert series(spec, "observed_line").x == test.q
    assert any(note.startswith("CLs = ") for note in spec.notes)
