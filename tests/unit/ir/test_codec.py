import json
import pickle
from dataclasses import replace
from typing import Any

import pytest

from nextstat_core.errors import FormatError, Problem
from nextstat_core.ir import (
    Channel,
    Lumi,
    Model,
    NormFactor,
    ParameterSettings,
    PluginModifier,
    Sample,
    ShapeFactor,
    model_from_dict,
    model_to_dict,
)


def _rich(model: Model) -> Model:
    modifiers = (
        Lumi("lumi", ("lumi",)),
        NormFactor("k", ("k",)),
        ShapeFactor("f", ("f[0]",)),
        PluginModifier("p", "tilt", ("p",), {"slopes": (1, (2.5, None)), "label": "x"}),
        PluginModifier("q", "tilt", ("q",), (1, 2)),
    )
    return replace(
        model,
        channels=(*model.channels, Channel("X", (Sample("s", (0.1,), modifiers),), (1e-300,))),
        measurement="m",
        settings=(ParameterSettings("mu", inits=(0.1,), bounds=((0.0, 3.0),), fixed=False),),
        warnings=(Problem("here", "odd", "look"),),
    )


def test_the_round_trip_through_json_is_exact(model: Model) -> None:
    rich = _rich(model)
    text = json.dumps(model_to_dict(rich), allow_nan=False)
    assert model_from_dict(json.loads(text)) == rich
    assert model_to_dict(rich) == json.loads(text)


def test_lists_stay_tuples_at_every_depth(model: Model) -> None:
    again = model_from_dict(json.loads(json.dumps(model_to_dict(_rich(model)))))
    assert hash(again.channels[:2]) == hash(model.channels)
    assert again.channels[2].samples[0].modifiers[3].data == {  # type: ignore[union-attr]
        "slopes": (1, (2.5, None)),
        "label": "x",
    }


def test_models_pickle(model: Model) -> None:
    assert pickle.loads(pickle.dumps(_rich(model))) == _rich(model)


@pytest.mark.parametrize("data", [{}, [], None, {"format": "nextstat.model.v0"}])
def test_what_is_no_encoded_model_is_refused(data: Any) -> None:
    with pytest.raises(FormatError, match="no encoded model"):
        model_from_dict(data)


@pytest.mark.parametrize(
    ("key", "value"),
    [("channels", [1]), ("parameters", [{"name": "mu"}]), ("settings", 3), ("warnings", None)],
)
def test_a_damaged_encoding_is_refused(model: Model, key: str, value: Any) -> None:
    with pytest.raises(FormatError, match="damaged"):
        model_from_dict({**model_to_dict(model), key: value})


def test_an_unknown_constraint_or_a_missing_key_is_refused(model: Model) -> None:
    damaged = model_to_dict(model)
    damaged["parameters"][1]["constraint"]["kind"] = "cauchy"
    with pytest.raises(FormatError, match="cauchy"):
        model_from_dict(damaged)
    missing = model_to_dict(model)
    del missing["poi"]
    with pytest.raises(FormatError, match="'poi'"):
        model_from_dict(missing)
