"""A small valid workspace that tests change, and the folder of published ones."""

import copy
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_REPOSITORY = Path(__file__).parents[3]

_WORKSPACE: dict[str, Any] = {
    "channels": [
        {
            "name": "SR",
            "samples": [
                {
                    "name": "signal",
                    "data": [5.0, 10.0],
                    "modifiers": [
                        {"name": "mu", "type": "normfactor", "data": None},
                        {"name": "lumi", "type": "lumi", "data": None},
                    ],
                },
                {
                    "name": "background",
                    "data": [50.0, 60.0],
                    "modifiers": [
                        {"name": "jes", "type": "normsys", "data": {"lo": 0.9, "hi": 1.1}},
                        {
                            "name": "jes",
                            "type": "histosys",
                            "data": {"lo_data": [45.0, 62.0], "hi_data": [56.0, 57.0]},
                        },
                        {"name": "mc", "type": "staterror", "data": [5.0, 0.0]},
                        {"name": "dd", "type": "shapesys", "data": [5.0, 0.0]},
                    ],
                },
            ],
        },
        {
            "name": "CR",
            "samples": [
                {
                    "name": "background",
                    "data": [100.0],
                    "modifiers": [{"name": "free", "type": "shapefactor", "data": None}],
                }
            ],
        },
    ],
    "observations": [{"name": "SR", "data": [52.0, 71.0]}, {"name": "CR", "data": [104.0]}],
    "measurements": [
        {
            "name": "main",
            "config": {
                "poi": "mu",
                "parameters": [
                    {
                        "name": "lumi",
                        "inits": [1.0],
                        "bounds": [[0.5, 1.5]],
                        "auxdata": [1.0],
                        "sigmas": [0.02],
                    }
                ],
            },
        }
    ],
    "version": "1.0.0",
}


@pytest.fixture
def workspace() -> dict[str, Any]:
    return copy.deepcopy(_WORKSPACE)


@pytest.fixture
def new_workspace() -> Callable[[], dict[str, Any]]:
    return lambda: copy.deepcopy(_WORKSPACE)


@pytest.fixture(scope="session")
def published() -> Path:
    """Folder with published workspaces."""
    named = os.environ.get("NEXTSTAT_WORKSPACES")
    folder = Path(named) if named else _REPOSITORY.parent / "shared" / "workspaces"
    if not (folder / "golden.json").is_file():
        pytest.skip("no published workspaces: set NEXTSTAT_WORKSPACES to the folder of golden.json")
    return folder
