"""A model with a signal, a background with bin-wise uncertainties, and a control region."""

import pytest

from nextstat_core.ir import (
    Channel,
    HistoSys,
    Model,
    NormFactor,
    NormSys,
    Sample,
    ShapeSys,
    StatError,
    derive_parameters,
)


@pytest.fixture
def channels() -> tuple[Channel, ...]:
    stat = StatError("stat", ("stat[1]", "stat[2]"), (3.0, 0.0))
    signal = Sample("signal", (4.0, 6.0), (NormFactor("mu", ("mu",)),))
    background = Sample(
        "background",
        (40.0, 60.0),
        (
            NormSys("jes", ("jes",), 0.9, 1.1),
            HistoSys("jes", ("jes",), (38.0, 61.0), (42.0, 58.0)),
            stat,
            ShapeSys("dd", ("dd[0]", "dd[1]"), (4.0, 0.0)),
        ),
    )
    other = Sample("other", (10.0, 0.0), (StatError("stat", stat.parameters, (4.0, 0.0)),))
    control = StatError("stat", ("stat[0]",), (5.0,))
    return (
        Channel("SR", (signal, background, other), (50.0, 66.0)),
        Channel(
            "CR",
            (
                Sample("background", (100.0,), (control,)),
                Sample("other", (0.0,), (StatError("stat", ("stat[0]",), (0.0,)),)),
            ),
            (103.0,),
        ),
    )


@pytest.fixture
def model(channels: tuple[Channel, ...]) -> Model:
    derived = derive_parameters(channels, poi="mu")
    assert derived.problems == []
    return Model(channels, derived.parameters, poi="mu")
