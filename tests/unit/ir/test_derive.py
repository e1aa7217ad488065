from dataclasses import replace
from math import inf, nan

import numpy as np
import pytest

from nextstat_core.errors import InputError, ModelError
from nextstat_core.ir import (
    Channel,
    GaussianConstraint,
    Lumi,
    Model,
    NormFactor,
    Parameter,
    ParameterSettings,
    PluginModifier,
    PoissonConstraint,
    Sample,
    ShapeFactor,
    derive_parameters,
    with_nominal,
    with_observed,
)

Channels = tuple[Channel, ...]


def _by_name(parameters: tuple[Parameter, ...]) -> dict[str, Parameter]:
    return {parameter.name: parameter for parameter in parameters}


def test_the_poi_comes_first_and_the_rest_by_first_appearance(channels: Channels) -> None:
    without = derive_parameters(channels).parameters
    assert [entry.name for entry in without] == [
        *("mu", "jes", "stat[0]", "stat[1]", "stat[2]", "dd[0]", "dd[1]")
    ]
    with_poi = derive_parameters(channels, poi="jes").parameters
    assert [entry.name for entry in with_poi][:2] == ["jes", "mu"]


def test_a_staterror_adds_uncertainties_in_quadrature_over_the_summed_yield(
    channels: Channels,
) -> None:
    parameters = _by_name(derive_parameters(channels).parameters)
    assert parameters["stat[0]"].constraint == GaussianConstraint(1.0, 5.0 / 100.0)
    # 3 and 4 in quadrature are 5 exactly, over 40 + 10; rounding costs at most one unit.
    shared = parameters["stat[1]"]
    assert isinstance(shared.constraint, GaussianConstraint)
    assert shared.constraint.center == 1.0
    assert shared.constraint.width == pytest.approx(0.1, rel=1e-15)
    assert (shared.init, shared.lower, shared.upper, shared.fixed) == (1.0, 1e-10, 10.0, False)


def test_a_staterror_without_uncertainty_is_fixed_and_keeps_its_constraint(
    channels: Channels,
) -> None:
    parameter = _by_name(derive_parameters(channels).parameters)["stat[2]"]
    assert parameter.fixed
    assert parameter.constraint == GaussianConstraint(1.0, 1.0)


def test_a_shapesys_has_the_count_of_the_relative_uncertainty(channels: Channels) -> None:
    parameters = _by_name(derive_parameters(channels).parameters)
    assert parameters["dd[0]"].constraint == PoissonConstraint(100.0, 100.0)
    assert not parameters["dd[0]"].fixed
    assert parameters["dd[1]"].constraint == PoissonConstraint(1.0, 1.0)
    assert parameters["dd[1]"].fixed


def test_a_normsys_and_a_histosys_of_one_name_share_a_parameter(channels: Channels) -> None:
    shared = [entry for entry in derive_parameters(channels).parameters if entry.group == "jes"]
    assert shared == [
        Parameter("jes", "jes", 0.0, -5.0, 5.0, constraint=GaussianConstraint(0.0, 1.0))
    ]


def test_a_shapefactor_shares_its_index_between_channels() -> None:
    def channel(name: str, n_bins: int) -> Channel:
        names = tuple(f"free[{index}]" for index in range(n_bins))
        sample = Sample("s", (1.0,) * n_bins, (ShapeFactor("free", names),))
        return Channel(name, (sample,), (1.0,) * n_bins)

    derived = derive_parameters((channel("A", 3), channel("B", 2)))
    assert [entry.name for entry in derived.parameters] == ["free[0]", "free[1]", "free[2]"]
    assert derived.warnings == []
    longer_later = derive_parameters((channel("A", 2), channel("B", 3)))
    assert longer_later.parameters == derived.parameters
    assert "pyhf takes 2 from channel 'A'" in longer_later.warnings[0].message


def test_settings_replace_defaults(channels: Channels) -> None:
    settings = (
        ParameterSettings("mu", inits=(2.0,), bounds=((-1.0, 5.0),), fixed=True),
        ParameterSettings("stat", auxdata=(1.1, 1.2, 1.3), sigmas=(0.1, 0.2, 0.3)),
        ParameterSettings("dd", auxdata=(90.0, 2.0), factors=(80.0, 3.0)),
    )
    derived = derive_parameters(channels, settings, poi="mu")
    parameters = _by_name(derived.parameters)
    assert derived.problems == []
    assert parameters["mu"] == Parameter("mu", "mu", 2.0, -1.0, 5.0, fixed=True)
    assert parameters["stat[1]"].constraint == GaussianConstraint(1.2, 0.2)
    assert parameters["stat[2]"].fixed
    assert parameters["dd[0]"].constraint == PoissonConstraint(90.0, 80.0)


def test_a_lumi_takes_everything_from_its_settings() -> None:
    sample = Sample("s", (1.0,), (Lumi("lumi", ("lumi",)),))
    channels = (Channel("SR", (sample,), (1.0,)),)
    settings = ParameterSettings(
        "lumi", inits=(0.9,), bounds=((0.5, 1.5),), auxdata=(1.0,), sigmas=(0.02,)
    )
    (lumi,) = derive_parameters(channels, (settings,)).parameters
    constraint = GaussianConstraint(1.0, 0.02)
    assert lumi == Parameter("lumi", "lumi", 0.9, 0.5, 1.5, constraint=constraint)
    (problem,) = derive_parameters(channels).problems
    assert "no inits, bounds, auxdata, sigmas" in problem.message


def test_names_that_meet_in_the_vector_are_refused() -> None:
    modifiers = (NormFactor("free[0]", ("free[0]",)), ShapeFactor("free", ("free[0]",)))
    channel = Channel("SR", (Sample("s", (1.0,), modifiers),), (1.0,))
    (problem,) = derive_parameters((channel,)).problems
    assert str(problem) == "parameter 'free[0]': two modifiers bring it; expected unique names"


def test_new_nominal_yields_move_widths_and_auxiliary_counts(model: Model) -> None:
    moved = with_nominal(model, "SR", "background", np.asarray([30.0, 0.0]))
    parameters = _by_name(moved.parameters)
    assert parameters["dd[0]"].constraint == PoissonConstraint(56.25, 56.25)
    width = parameters["stat[1]"].constraint.width  # type: ignore[union-attr]
    assert width == pytest.approx(5.0 / 40.0, rel=1e-15)
    assert parameters["stat[0]"] == _by_name(model.parameters)["stat[0]"]
    assert moved.channels[0].samples[1].nominal == (30.0, 0.0)
    assert moved.poi == "mu"
    assert with_nominal(moved, "SR", "background", [40.0, 60.0]) == model


def test_new_nominal_yields_keep_a_plugins_parameters(model: Model) -> None:
    parameter = Parameter("tilt", "tilt", 0.5, -1.0, 1.0)
    control = model.channels[1]
    sample = control.samples[0]
    modifiers = (*sample.modifiers, PluginModifier("tilt", "tilt", ("tilt",), (1.0,)))
    samples = (replace(sample, modifiers=modifiers), *control.samples[1:])
    channels = (model.channels[0], replace(control, samples=samples))
    derived = derive_parameters(channels, poi="tilt", supplied={"tilt": (parameter,)})
    with_tilt = Model(channels, derived.parameters, poi="tilt")
    assert with_nominal(with_tilt, "SR", "signal", [1.0, 2.0]).parameters[0] == parameter


@pytest.mark.parametrize(
    ("channel", "sample", "nominal", "message"),
    [
        ("SRR", "signal", [1.0, 2.0], "no channel named 'SRR'; there are: 'SR', 'CR'"),
        ("SR", "sig", [1.0, 2.0], "no sample of channel 'SR' named 'sig'"),
        ("SR", "signal", [1.0], "`nominal` has the wrong length: expected 2, found 1"),
        ("SR", "signal", [1.0, nan], "sample 'signal', bin 1: yield is nan"),
        ("SR", "signal", [1.0, inf], "sample 'signal', bin 1: yield is inf"),
        ("SR", "signal", 3.0, "cannot be read as a list of 2 numbers"),
        ("SR", "signal", ["a", 1.0], "cannot be read as a list of 2 numbers"),
        ("SR", "signal", np.ones((2, 2)), "cannot be read as a list of 2 numbers"),
    ],
)
def test_unusable_nominal_yields_are_refused(
    model: Model, channel: str, sample: str, nominal: object, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        with_nominal(model, channel, sample, nominal)
    assert message in str(caught.value)


def test_nominal_yields_that_empty_a_bin_with_events_are_refused(model: Model) -> None:
    with pytest.raises(ModelError, match="channel 'CR', bin 0: every sample is zero"):
        with_nominal(model, "CR", "background", [0.0])


def test_observed_counts_are_replaced_by_channel(model: Model) -> None:
    moved = with_observed(model, {"CR": np.asarray([7])})
    assert [channel.observed for channel in moved.channels] == [(50.0, 66.0), (7.0,)]
    assert moved.parameters == model.parameters


@pytest.mark.parametrize(
    ("observed", "message"),
    [
        ({"CRR": [1.0]}, "no channel named 'CRR'"),
        ({"CR": [1.0, 2.0]}, "has the wrong length: expected 1, found 2"),
        ({"CR": [-1.0]}, "channel 'CR', bin 0: observed count is -1"),
        ({"SR": [1.0, nan]}, "channel 'SR', bin 1: observed count is nan"),
    ],
)
def test_unusable_observed_counts_are_refused(
    model: Model, observed: dict[str, list[float]], message: str
) -> None:
    with pytest.raises(InputError) as caught:
        with_observed(model, observed)
    assert message in str(caught.value)


def test_counts_where_nothing_is_predicted_are_refused(model: Model) -> None:
    empty = with_nominal(with_observed(model, {"CR": [0.0]}), "CR", "background", [0.0])
    with pytest.raises(InputError, match="every sample is zero in nominal and templates, but 2"):
        with_observed(empty, {"CR": [2.0]})
