"""A small workspace as text, and a toolbox whose calls run in worker processes."""

from __future__ import annotations

import json

import pytest

from nextstat_tools import Limits, Toolbox

SMALL = {
    "channels": [
        {
            "name": "SR",
            "samples": [
                {
                    "name": "signal",
                    "data": [5.0, 10.0],
                    "modifiers": [{"name": "mu", "type": "normfactor", "data": None}],
                },
                {
                    "name": "background",
                    "data": [50.0, 60.0],
                    "modifiers": [
                        {"name": "norm", "type": "normsys", "data": {"hi": 1.1, "lo": 0.9}},
                        {
                            "name": "tilt",
                            "type": "histosys",
                            "data": {"hi_data": [52.0, 57.0], "lo_data": [48.0, 63.0]},
                        },
                        {"name": "stat", "type": "shapesys", "data": [4.0, 5.0]},
                    ],
                },
            ],
        }
    ],
    "observations": [{"name": "SR", "data": [57.0, 73.0]}],
    "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": []}}],
    "version": "1.0.0",
}


@pytest.fixture(scope="session")
def workspace() -> str:
    return json.dumps(SMALL)


@pytest.fixture
def folder(tmp_path, workspace):
    """A directory with the workspace as `small.json`."""
    inner = tmp_path / "allowed"
    inner.mkdir()
    (inner / "small.json").write_text(workspace)
    return inner


@pytest.fixture(scope="module")
def workers():
    """A toolbox whose calls run in a worker process."""
    with Toolbox(limits=Limits(seconds=120.0, memory=2 * 2**30, workers=1)) as toolbox:
        yield toolbox
