"""A fit result shows, converts and carries what the fit found."""

import dataclasses
import json
import pickle
from collections.abc import Callable
from math import inf, isnan, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstat_core.errors import FormatError, InputError
from nextstat_core.results import TERMINATION_REASONS, FitMinimumResult, FitResult

ANY_FLOAT = st.floats(allow_nan=True, allow_infinity=True)
COVARIANCE = np.array([[4.0, 0.0, -1.0], [0.0, 0.0, 0.0], [-1.0, 0.0, 1.0]])


def make(**changes: object) -> FitResult:
    fields = {
        "parameter_names": ("mu", "lumi", "jes"),
        "values": [1.5, 1.0, -0.25],
        "errors": [2.0, 0.0, 1.0],
        "nll": 12.5,
        "converged": True,
        "termination_reason": "edm",
        "n_iter": 5,
        "n_fev": 7,
        "n_gev": 6,
        "n_hev": 5,
        "final_grad_norm": 1e-9,
        "initial_nll": 20.0,
        "edm": 1e-15,
        "at_bound": (("mu", "lower"),),
        "covariance_source": COVARIANCE,
        "covariance_status": "full",
        "fixed": (False, True, False),
        "prefit_centers": [nan, 1.0, 0.0],
        "prefit_widths": [nan, 0.02, 1.0],
        "poi_index": 0,
        "warnings": ("something is odd",),
        "provenance": {"backend": "numpy", "version": "0.1.0"},
    }
    return FitResult(**{**fields, **changes})


@st.composite
def results(draw: st.DrawFn) -> FitResult:
    count = draw(st.integers(0, 4))
    names = draw(st.lists(st.text(max_size=5), min_size=count, max_size=count, unique=True))

    def numbers(size: int) -> list[float]:
        return draw(st.lists(ANY_FLOAT, min_size=size, max_size=size))

    covariance = draw(st.booleans())
    return FitResult(
        parameter_names=tuple(names),
        values=numbers(count),
        errors=numbers(count),
        nll=draw(ANY_FLOAT),
        converged=draw(st.booleans()),
        termination_reason=draw(st.sampled_from(TERMINATION_REASONS)),
        n_iter=draw(st.integers(0, 100)),
        edm=draw(ANY_FLOAT),
        initial_nll=draw(ANY_FLOAT),
        final_grad_norm=draw(ANY_FLOAT),
        at_bound=tuple((name, draw(st.sampled_from(["lower", "kink"]))) for name in names[:1]),
        covariance_source=np.reshape(numbers(count**2), (count, count)) if covariance else None,
        unidentified=tuple(names[:2]),
        non_positive=(("SR", draw(st.integers(0, 9))),),
        fixed=tuple(draw(st.booleans()) for _ in names),
        prefit_centers=numbers(count),
        prefit_widths=numbers(count),
        poi_index=draw(st.none() | st.integers(0, 3)),
        warnings=tuple(draw(st.lists(st.text(max_size=5), max_size=2))),
        provenance={"measurement": draw(st.text(max_size=5))},
    )


def same(left: FitResult, right: FitResult) -> bool:
    arrays = ("values", "errors", "prefit_centers", "prefit_widths", "covariance")
    numbers = ("nll", "edm", "initial_nll", "final_grad_norm")
    plain = (
        *("parameter_names", "converged", "termination_reason", "n_iter", "n_fev", "n_gev"),
        *("n_hev", "at_bound", "covariance_status", "unidentified", "non_positive", "fixed"),
        *("poi_index", "warnings", "provenance"),
    )
    return (
        all(getattr(left, name) == getattr(right, name) for name in plain)
        and all(_bits(getattr(left, name)) == _bits(getattr(right, name)) for name in numbers)
        and all(_bits(getattr(left, name)) == _bits(getattr(right, name)) for name in arrays)
    )


def _bits(value: object) -> bytes | None:
    if value is None:
        return None
    array = np.asarray(value, dtype=float)
    return np.where(np.isnan(array), nan, array).tobytes()  # every NaN is the same one


@given(results())
def test_json_gives_back_every_bit(result: FitResult) -> None:
    assert same(FitResult.from_json(result.to_json()), result)


@given(results())
def test_pickle_gives_back_every_bit(result: FitResult) -> None:
    assert same(pickle.loads(pickle.dumps(result)), result)


@given(results())
def test_json_has_no_nan_literals(result: FitResult) -> None:
    def refuse(literal: str) -> None:
        raise AssertionError(literal)

    json.loads(result.to_json(), parse_constant=refuse)


def test_a_null_in_json_comes_with_its_reason() -> None:
    data = make(errors=[inf, 0.0, nan], edm=nan, unidentified=("mu",)).to_dict()
    assert data["uncertainties"] == [None, 0.0, None]
    assert data["null_reasons"]["uncertainties"] == {"0": "infinite", "2": "undefined"}
    assert data["edm"] is None
    assert data["null_reasons"]["edm"] == "undefined"


def test_json_has_the_keys_of_the_reference() -> None:
    data = make().to_dict()
    assert data["bestfit"] == [1.5, 1.0, -0.25]
    assert data["covariance"] == COVARIANCE.reshape(-1).tolist()
    assert data["twice_nll"] == 25.0
    assert data["n_evaluations"] == data["n_iter"] == 5
    assert data["n_active_bounds"] == 1
    assert data["schema_version"] == "nextstat_fit_v1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "no JSON"),
        ("[]", "schema_version is None"),
        ('{"schema_version": "nextstat_fit_v2"}', "nextstat_fit_v2"),
        ('{"schema_version": "nextstat_fit_v1"}', "null_reasons"),
    ],
)
def test_text_that_is_no_result_is_refused(text: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        FitResult.from_json(text)


def test_parameters_and_aliases_are_lists_of_float() -> None:
    result = make()
    assert result.parameters == result.bestfit == [1.5, 1.0, -0.25]
    assert result.uncertainties == [2.0, 0.0, 1.0]
    assert result.twice_nll == 25.0
    assert result.success is result.converged is True
    assert result.n_evaluations == 5
    assert result.n_active_bounds == 1


def test_a_parameter_is_found_by_name() -> None:
    estimate = make()["mu"]
    assert (estimate.name, estimate.value, estimate.error) == ("mu", 1.5, 2.0)
    assert isnan(estimate.pull)
    assert estimate.at_bound == "lower"
    assert make()["jes"].pull == -0.25
    assert make()["lumi"].fixed


def test_an_unknown_parameter_is_answered_with_candidates() -> None:
    with pytest.raises(InputError, match=r"no parameter named 'jer'.*'jes'"):
        make()["jer"]


def test_correlation_is_the_scaled_covariance() -> None:
    correlation = make().correlation
    assert correlation is not None
    assert correlation[0, 2] == pytest.approx(-0.5)
    assert np.isnan(correlation[1]).all()
    assert make(covariance_source=None).correlation is None


def test_a_lazy_covariance_is_computed_once_and_not_before() -> None:
    calls = []

    def covariance() -> np.ndarray:
        calls.append(1)
        return COVARIANCE

    result = make(covariance_source=covariance)
    assert not calls
    assert np.array_equal(result.covariance, COVARIANCE)
    assert result.covariance is result.covariance
    assert len(calls) == 1


def test_a_lazy_covariance_survives_a_pickle() -> None:
    result = make(covariance_source=lambda: COVARIANCE)
    assert np.array_equal(pickle.loads(pickle.dumps(result)).covariance, COVARIANCE)


def test_results_cannot_be_changed() -> None:
    result = make()
    with pytest.raises(AttributeError):
        result.nll = 0.0  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        result.values[0] = 0.0


def test_results_do_not_share_memory_with_what_made_them() -> None:
    buffer = np.array([1.0, 2.0, 3.0])
    result = make(values=buffer)
    buffer[:] = 0.0
    assert result.parameters == [1.0, 2.0, 3.0]


def test_columns_of_the_wrong_length_are_refused() -> None:
    with pytest.raises(InputError, match=r"`errors`.*expected \(3,\), found \(2,\)"):
        make(errors=[1.0, 2.0])
    with pytest.raises(InputError, match="`fixed`"):
        make(fixed=(True,))


def test_an_unknown_reason_is_refused() -> None:
    with pytest.raises(InputError, match="no reason named 'bored'"):
        make(termination_reason="bored")


def test_the_table_starts_with_the_poi_then_the_largest_pulls() -> None:
    names = [f"p{i}" for i in range(4)]
    result = FitResult(
        parameter_names=tuple(names),
        values=[0.1, -2.0, 0.5, 3.0],
        errors=[1.0] * 4,
        nll=1.0,
        converged=True,
        termination_reason="edm",
        prefit_centers=[0.0, 0.0, 0.0, nan],
        prefit_widths=[1.0, 1.0, 1.0, nan],
        poi_index=3,
    )
    shown = [line.split()[0] for line in str(result).splitlines()[2:]]
    assert shown == ["p3", "p1", "p2", "p0"]


def test_the_table_says_what_is_odd() -> None:
    text = str(
        make(
            converged=False,
            termination_reason="non_positive_rate",
            non_positive=(("SR", 3),),
            errors=[inf, 0.0, nan],
            unidentified=("mu",),
        )
    )
    assert "did NOT converge (non_positive_rate)" in text
    assert "channel 'SR', bin 3" in text
    assert "warning: something is odd" in text
    assert "infinite" in text
    assert "at the lower bound" in text
    assert "not determined by the data" in text


def long(count: int) -> FitResult:
    return FitResult(
        parameter_names=tuple(f"p{i}" for i in range(count)),
        values=[0.0] * count,
        errors=[1.0] * count,
        nll=0.0,
        converged=True,
        termination_reason="edm",
    )


def test_a_long_table_is_cut_and_says_so() -> None:
    lines = str(long(40)).splitlines()
    assert len(lines) == 18
    assert lines[-1] == "  ... and 25 more: see .to_frame()"


def test_columns_are_aligned() -> None:
    _, *lines, warning = str(make(parameter_names=("mu", "a long name", "jes"))).splitlines()
    assert warning.startswith("warning")
    ends = {
        line.index(cell) + len(cell) for line, cell in zip(lines, ("value", "1.5"), strict=False)
    }
    assert len(ends) == 1
    assert {line[:2] for line in lines} == {"  "}


def test_html_has_all_parameters_and_folds_most(read_html: Callable[[str], Any]) -> None:
    page = read_html(long(40)._repr_html_())
    names = [row[0] for row in page.rows]
    assert names == [
        "parameter",
        *map("p{}".format, range(15)),
        "parameter",
        *map("p{}".format, range(15, 40)),
    ]
    assert page.summaries == ["and 25 more"]
    assert page.folded_rows == 26
    huge = read_html(long(1200)._repr_html_())
    assert len(huge.rows) == 1002
    assert huge.paragraphs[-1] == "... and 200 more"


def test_html_shows_what_the_text_shows(read_html: Callable[[str], Any]) -> None:
    page = read_html(make()._repr_html_())
    text = str(make()).splitlines()
    assert page.paragraphs == [text[0], "warning: something is odd"]
    shown = [line.split() for line in text[1:-1]]
    assert [" ".join(row).split() for row in page.rows[:4]] == shown


def test_html_folds_correlations_of_parameters_that_have_one(
    read_html: Callable[[str], Any],
) -> None:
    page = read_html(make()._repr_html_())
    assert page.summaries == ["correlations"]
    assert page.rows[4:] == [
        ["", "parameter", "1", "2"],
        ["1", "mu", "+1.00", "-0.50"],
        ["2", "jes", "-0.50", "+1.00"],
    ]
    for without in (make(covariance_source=None), make(covariance_source=np.zeros((3, 3)))):
        assert read_html(without._repr_html_()).summaries == []


def test_a_look_at_a_large_result_makes_no_covariance(read_html: Callable[[str], Any]) -> None:
    def expensive() -> np.ndarray:
        raise AssertionError("the covariance was made")

    result = dataclasses.replace(long(301), covariance_source=expensive)
    assert read_html(result._repr_html_()).summaries == ["and 286 more"]


NASTY = "<script>alert('&amp;')</script>"


def test_html_escapes_whatever_users_name(read_html: Callable[[str], Any]) -> None:
    # The reader knows no <script>: it would fail.
    result = make(
        parameter_names=(NASTY, "lumi", "jes"), non_positive=((NASTY, 0),), warnings=(NASTY,)
    )
    page = read_html(result._repr_html_())
    assert page.rows[1][0] == NASTY
    assert page.rows[5][1] == NASTY
    assert page.paragraphs[1:] == [
        f"the expectation is not positive in channel {NASTY!r}, bin 0",
        f"warning: {NASTY}",
    ]


def test_the_frame_has_a_row_per_parameter() -> None:
    pytest.importorskip("pandas", reason="tables need pandas")
    frame = make().to_frame()
    assert list(frame.index) == ["mu", "lumi", "jes"]
    assert frame.loc["mu", "value"] == 1.5
    assert frame.loc["mu", "at_bound"] == "lower"
    assert bool(frame.loc["lumi", "fixed"])


def test_a_minimum_has_the_aliases_of_the_reference() -> None:
    minimum = FitMinimumResult(
        values=np.array([1.0, 2.0]),
        nll=3.0,
        converged=True,
        final_gradient=np.array([0.0, 1e-9]),
        parameter_names=("a", "b"),
        message="edm",
    )
    assert minimum.parameters == minimum.bestfit == [1.0, 2.0]
    assert minimum.twice_nll == 6.0
    assert minimum.success
    assert minimum.final_gradient == [0.0, 1e-9]
    assert minimum["b"] == 2.0
    assert pickle.loads(pickle.dumps(minimum)).parameters == [1.0, 2.0]
    with pytest.raises(InputError, match="no parameter named 'c'"):
        minimum["c"]


def test_a_minimum_is_a_table_too(read_html: Callable[[str], Any]) -> None:
    minimum = FitMinimumResult(
        values=[1.5, -2.0],
        nll=3.0,
        converged=False,
        message="stalled",
        edm=0.25,
        n_iter=1,
        final_gradient=[0.5, -1e-9],
        parameter_names=(NASTY, "b"),
    )
    text = str(minimum).splitlines()
    assert text[0] == "NO minimum found (stalled): nll = 3, edm = 0.25, 1 iteration"
    assert text[3] == f"  {'b':<{len(NASTY)}}     -2    -1e-09"
    page = read_html(minimum._repr_html_())
    assert page.paragraphs == text[:1]
    assert page.rows[1:] == [[NASTY, "1.5", "0.5"], ["b", "-2", "-1e-09"]]
    bare = FitMinimumResult(values=[1.5], nll=3.0, converged=True)
    assert str(bare).splitlines()[2].split() == ["0", "1.5"]
