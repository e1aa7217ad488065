"""Models small enough to be tested thousands of times."""

import pytest

from nextstat_core.testing import generate_workspace


def two_bins(modifiers=(), data=(5.0, 10.0)):
    """A signal of two bins over a background with an uncertainty per bin."""
    return {
        "channels": [
            {
                "name": "SR",
                "samples": [
                    {
                        "name": "signal",
                        "data": list(data),
                        "modifiers": [
                            {"name": "mu", "type": "normfactor", "data": None},
                            *modifiers,
                        ],
                    },
                    {
                        "name": "background",
                        "data": [50.0, 60.0],
                        "modifiers": [
                            {"name": "bkg", "type": "shapesys", "data": [5.0, 6.0]},
                        ],
                    },
                ],
            }
        ],
        "observations": [{"name": "SR", "data": [53.0, 65.0]}],
        "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": []}}],
        "version": "1.0.0",
    }


def with_luminosity():
    """The same with an uncertain luminosity, which all bins share."""
    workspace = two_bins([{"name": "lumi", "type": "lumi", "data": None}])
    workspace["channels"][0]["samples"][1]["modifiers"].append(
        {"name": "lumi", "type": "lumi", "data": None}
    )
    workspace["measurements"][0]["config"]["parameters"] = [
        {"name": "lumi", "auxdata": [1.0], "sigmas": [0.02], "inits": [1.0], "bounds": [[0.5, 1.5]]}
    ]
    return workspace


#: Workspaces, and the sample that moves.
PLACES = {
    "simple": (two_bins(), "SR", "signal"),
    "uncertain signal": (
        two_bins(
            [
                {"name": "shape", "type": "histosys",
                 "data": {"hi_data": [6.0, 9.0], "lo_data": [4.5, 10.5]}},
                {"name": "own", "type": "shapesys", "data": [1.0, 2.0]},
                {"name": "stat", "type": "staterror", "data": [0.5, 0.7]},
            ]
        ),
        "SR",
        "signal",
    ),
    "two channels": (
        generate_workspace(5, n_channels=2, n_bins=3, n_normsys=2, n_histosys=1, staterror=True),
        "channel_1",
        "signal",
    ),
    "background": (two_bins(), "SR", "background"),
    "luminosity": (with_luminosity(), "SR", "signal"),
}  # fmt: skip


@pytest.fixture(params=list(PLACES), ids=list(PLACES))
def place(request):
    """Arguments of an environment."""
    workspace, channel, sample = PLACES[request.param]
    return {"workspace_json": workspace, "channel": channel, "sample": sample}


@pytest.fixture
def places():
    """Arguments of environments by name."""
    return {
        name: {"workspace_json": workspace, "channel": channel, "sample": sample}
        for name, (workspace, channel, sample) in PLACES.items()
    }


@pytest.fixture
def simple():
    """Arguments of the smallest environment."""
    workspace, channel, sample = PLACES["simple"]
    return {"workspace_json": workspace, "channel": channel, "sample": sample}


@pytest.fixture
def luminosity():
    """Arguments of an environment that has no closed form."""
    workspace, channel, sample = PLACES["luminosity"]
    return {"workspace_json": workspace, "channel": channel, "sample": sample}


@pytest.fixture
def with_data():
    """The same with other yields of the signal."""
    return lambda data: {"workspace_json": two_bins(data=data), "channel": "SR", "sample": "signal"}
