"""Tables of a small analysis, and the same analysis as a workspace."""

import pyarrow as pa
import pytest

#: A column of lists that may hold nothing but null.
NUMBERS = pa.list_(pa.float64())


@pytest.fixture
def table():
    """A signal and a background in two channels, with statistical errors of some."""
    return pa.table(
        {
            "channel": ["SR", "SR", "CR"],
            "sample": ["signal", "background", "background"],
            "yields": [[5.0, 10.0, 15.0], [100.0, 200.0, 150.0], [500.0, 600.0]],
            "stat_error": pa.array([None, [10.0, 0.0, 15.0], [20.0, 25.0]], NUMBERS),
        }
    )


@pytest.fixture
def observations():
    return {"SR": [110.0, 205.0, 170.0], "CR": [490.0, 620.0]}


@pytest.fixture
def workspace(observations):
    """What `table` and `observations` mean."""

    def staterror(channel, data):
        return {"name": f"staterror_{channel}", "type": "staterror", "data": data}

    def background(data, modifier):
        return {"name": "background", "data": data, "modifiers": [modifier]}

    mu = {"name": "mu", "type": "normfactor", "data": None}
    signal = {"name": "signal", "data": [5.0, 10.0, 15.0], "modifiers": [mu]}
    region = background([100.0, 200.0, 150.0], staterror("SR", [10.0, 0.0, 15.0]))
    control = background([500.0, 600.0], staterror("CR", [20.0, 25.0]))
    return {
        "channels": [
            {"name": "SR", "samples": [signal, region]},
            {"name": "CR", "samples": [control]},
        ],
        "observations": [{"name": name, "data": data} for name, data in observations.items()],
        "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": []}}],
        "version": "1.0.0",
    }
