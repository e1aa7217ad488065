"""Groups of parameters and the statistical part, against covariance matrices and fits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nextstat_core.errors import InputError
from nextstat_core.infer import breakdown, fit, grouped_impacts, impacts
from nextstat_core.testing import StrictBackend

if TYPE_CHECKING:
    from collections.abc import Callable

GROUPS = {"jets": ["bkg_shape", "bkg_norm"], "gammas": ["bkg_ss", "staterror_*"], "one": "lumi"}


def _frozen(model: Any, names: list[str]) -> float:
    """Uncertainty of mu from a fit with parameters fixed where they are best."""
    best = fit(model)
    held = {name: best[name].value for name in names}
    return fit(model, fixed=held)["mu"].error


def test_freezing_is_fitting_with_the_group_fixed(load: Callable[..., Any]) -> None:
    model = load("full")
    total = fit(model)["mu"].error
    found = grouped_impacts(model, GROUPS)
    assert found.total == pytest.approx(total, rel=1e-6)
    for group in found:
        left = _frozen(model, list(group.parameters))
        assert group.impact == pytest.approx(math.sqrt(total**2 - left**2), rel=1e-5)
        assert not group.clipped
    everything = sorted({name for group in found for name in group.parameters})
    assert found.rest == pytest.approx(_frozen(model, everything), rel=1e-6)


def test_freezing_is_the_conditional_covariance(load: Callable[..., Any]) -> None:
    model = load("full")
    best = fit(model)
    assert best.covariance is not None
    group = [best.parameter_names.index(name) for name in ("bkg_shape", "bkg_norm")]
    cross, inner = best.covariance[0, group], best.covariance[np.ix_(group, group)]
    expected = math.sqrt(cross @ np.linalg.solve(inner, cross))
    assert grouped_impacts(model, GROUPS)["jets"].impact == pytest.approx(expected, rel=1e-6)


def test_nested_squares_add_up_in_any_order(load: Callable[..., Any]) -> None:
    model = load("full")
    turned = dict(reversed(GROUPS.items()))
    for groups in (GROUPS, turned):
        found = grouped_impacts(model, groups, nested=True)
        assert found.names == tuple(groups)
        assert found.explained == pytest.approx(found.total, rel=1e-9)
    first = grouped_impacts(model, GROUPS, nested=True)["jets"].impact
    assert first == pytest.approx(grouped_impacts(model, GROUPS)["jets"].impact)
    assert first != pytest.approx(grouped_impacts(model, turned, nested=True)["jets"].impact)


def test_global_groups_are_sums_of_squares(load: Callable[..., Any]) -> None:
    model = load("full")
    found = grouped_impacts(model, GROUPS, method="global")
    single = impacts(model, convention="global")
    for group in found:
        expected = math.sqrt(sum(single[name].up ** 2 for name in group.parameters))
        assert group.impact == pytest.approx(expected)
    assert found.explained == pytest.approx(found.total)


def test_groups_by_kind_of_modifier(load: Callable[..., Any]) -> None:
    found = grouped_impacts(load("full"))
    members = {group.name: set(group.parameters) for group in found}
    assert members["lumi"] == {"lumi"}
    assert members["normsys"] == {"bkg_norm", "sig_norm"}
    assert members["normfactor"] == {"k_bkg"}
    assert len(members["staterror"]) == 5
    assert sum(map(len, members.values())) == 13


def test_a_parameter_of_two_kinds_is_in_one_group(write: Callable[..., Any], part: Any) -> None:
    both = [
        part.modifier("jes", "normsys", {"hi": 1.1, "lo": 0.9}),
        part.modifier("jes", "histosys", {"hi_data": [52.0, 61.0], "lo_data": [48.0, 59.0]}),
    ]
    signal = part.sample("signal", [5.0, 10.0], part.modifier("mu", "normfactor"))
    model = write({"SR": [signal, part.sample("bkg", [50.0, 60.0], *both)]}, {"SR": [57.0, 69.0]})
    assert grouped_impacts(model).names == ("histosys+normsys",)


def test_names_with_brackets_are_no_patterns(load: Callable[..., Any]) -> None:
    found = grouped_impacts(load("full"), {"one": "bkg_ss[1]", "all": "bkg_ss[[]?]"})
    assert found["one"].parameters == ("bkg_ss[1]",)
    assert found["all"].parameters == ("bkg_ss[0]", "bkg_ss[1]", "bkg_ss[2]")


def test_fixed_parameters_and_the_poi_are_in_no_group(load: Callable[..., Any]) -> None:
    found = grouped_impacts(load("full"), {"all": "*", "none": "lumi"}, fixed=["lumi"])
    assert {"mu", "lumi"}.isdisjoint(found["all"].parameters)
    assert found["none"].parameters == ()
    assert found["none"].impact == pytest.approx(0.0, abs=1e-12)


def test_at_a_bound_there_is_no_uncertainty_to_split(load: Callable[..., Any]) -> None:
    found = grouped_impacts(load("simple"), open_poi_bound=False)
    assert math.isnan(found.total)
    assert math.isnan(found[0].impact)
    assert any("at its lower bound" in warning for warning in found.warnings)
    parts = breakdown(load("simple"), open_poi_bound=False)
    assert math.isnan(parts.statistical)
    assert math.isnan(parts.systematic)
    assert parts.to_dict()["statistical"] is None


# -- statistical and systematic -------------------------------------------------------------------


def test_breakdown_is_made_of_fits_with_parameters_fixed(load: Callable[..., Any]) -> None:
    model = load("full")
    names = [name for name in model.parameter_names() if name not in {"mu", "k_bkg"}]
    gammas = [name for name in names if "[" in name]
    parts, total = breakdown(model), fit(model)["mu"].error
    assert parts.total == pytest.approx(total, rel=1e-6)
    assert parts.statistical == pytest.approx(_frozen(model, names), rel=1e-6)
    assert math.hypot(parts.statistical, parts.systematic) == pytest.approx(total, rel=1e-6)
    assert parts.mc_statistics == pytest.approx(
        math.sqrt(total**2 - _frozen(model, gammas) ** 2), rel=1e-5
    )
    assert parts.normalisations == pytest.approx(
        math.sqrt(total**2 - _frozen(model, ["k_bkg"]) ** 2), rel=1e-5
    )
    other = breakdown(model, GROUPS, normalisations="systematic")
    assert other.statistical == pytest.approx(_frozen(model, [*names, "k_bkg"]), rel=1e-6)
    assert other.groups.names == tuple(GROUPS)


def test_statistical_part_of_a_counting_experiment(load: Callable[..., Any]) -> None:
    """mu = (n - b - 60 alpha) / 100 with n = 1000."""
    parts = breakdown(load("constrained"))
    assert parts.statistical == pytest.approx(math.sqrt(1000.0) / 100.0, rel=1e-6)
    assert parts.systematic == pytest.approx(0.6, rel=1e-3)
    assert parts.mc_statistics == pytest.approx(0.0, abs=1e-12)


def test_strict_backend(load: Callable[..., Any]) -> None:
    model = load("full")
    found, expected = (breakdown(each, GROUPS) for each in (model.to(StrictBackend()), model))
    assert found.statistical == pytest.approx(expected.statistical, rel=1e-6)
    for group in expected.groups:
        assert found.groups[group.name].impact == pytest.approx(group.impact, rel=1e-6)


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"groups": {"g": "lumy"}}, r"groups\['g'\]: no parameter is called 'lumy'"),
        ({"groups": ["lumi"]}, "must be 'modifier' or map groups to names"),
        ({"method": "freez"}, "no method named 'freez'"),
        ({"method": "global", "nested": True}, "do not depend on an order"),
    ],
)
def test_unusable_arguments(load: Callable[..., Any], wishes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        grouped_impacts(load("full"), **wishes)


def test_normalisations_count_as_one_or_the_other(load: Callable[..., Any]) -> None:
    with pytest.raises(InputError, match="no count of normalisations named 'both'"):
        breakdown(load("full"), normalisations="both")  # type: ignore[arg-type]
