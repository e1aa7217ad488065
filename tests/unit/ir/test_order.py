from nextstat_core.ir import (
    Channel,
    Model,
    NormFactor,
    PluginModifier,
    Sample,
    derive_parameters,
    pyhf_auxdata_order,
    pyhf_parameter_order,
)
from nextstat_core.ir.nodes import Parameter


def _names(model: Model, order: tuple[int, ...]) -> list[str]:
    return [model.parameters[position].name for position in order]


def test_pyhf_goes_by_kind_then_by_sorted_first_appearance(model: Model) -> None:
    assert _names(model, pyhf_parameter_order(model)) == [
        *("jes", "mu", "dd[0]", "dd[1]", "stat[0]", "stat[1]", "stat[2]")
    ]


def test_auxiliary_data_belong_to_constrained_parameters_only(model: Model) -> None:
    assert _names(model, pyhf_auxdata_order(model)) == [
        *("jes", "dd[0]", "dd[1]", "stat[0]", "stat[1]", "stat[2]")
    ]


def test_the_order_is_a_permutation(model: Model) -> None:
    assert sorted(pyhf_parameter_order(model)) == list(range(len(model.parameters)))


def test_kinds_of_plugins_come_last_by_their_name() -> None:
    modifiers = (
        PluginModifier("a", "zz", ("a",)),
        PluginModifier("b", "tilt", ("b",)),
        NormFactor("mu", ("mu",)),
    )
    channels = (Channel("SR", (Sample("s", (1.0,), modifiers),), (1.0,)),)
    supplied = {name: (Parameter(name, name, 0.0, -1.0, 1.0),) for name in ("a", "b")}
    model = Model(channels, derive_parameters(channels, supplied=supplied).parameters)
    assert _names(model, pyhf_parameter_order(model)) == ["mu", "b", "a"]
