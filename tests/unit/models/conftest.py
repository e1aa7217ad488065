"""Two workspaces: a small one, and one with every kind of modifier that has a constraint."""

import copy
from typing import Any

import pytest

from nextstat_core.models import HistFactoryModel

SIMPLE: dict[str, Any] = {
    "channels": [
        {
            "name": "singlechannel",
            "samples": [
                {
                    "name": "signal",
                    "data": [12.0, 11.0],
                    "modifiers": [{"name": "mu", "type": "normfactor", "data": None}],
                },
                {
                    "name": "background",
                    "data": [50.0, 52.0],
                    "modifiers": [
                        {"name": "uncorr_bkguncrt", "type": "shapesys", "data": [3.0, 7.0]}
                    ],
                },
            ],
        }
    ],
    "observations": [{"name": "singlechannel", "data": [51.0, 48.0]}],
    "measurements": [{"name": "Measurement", "config": {"poi": "mu", "parameters": []}}],
    "version": "1.0.0",
}


def _modifier(name: str, kind: str, data: Any = None) -> dict[str, Any]:
    return {"name": name, "type": kind, "data": data}


FULL: dict[str, Any] = {
    "channels": [
        {
            "name": "SR",
            "samples": [
                {
                    "name": "signal",
                    "data": [5.0, 10.0, 3.0],
                    "modifiers": [
                        _modifier("mu", "normfactor"),
                        _modifier("lumi", "lumi"),
                        _modifier("sig_norm", "normsys", {"hi": 1.1, "lo": 0.9}),
                    ],
                },
                {
                    "name": "bkg",
                    "data": [50.0, 60.0, 40.0],
                    "modifiers": [
                        _modifier("lumi", "lumi"),
                        _modifier("bkg_norm", "normsys", {"hi": 1.2, "lo": 0.85}),
                        _modifier(
                            "bkg_shape",
                            "histosys",
                            {"hi_data": [55.0, 62.0, 38.0], "lo_data": [46.0, 59.0, 43.0]},
                        ),
                        _modifier("bkg_ss", "shapesys", [5.0, 6.0, 4.0]),
                        _modifier("staterror_SR", "staterror", [2.0, 3.0, 1.5]),
                    ],
                },
            ],
        },
        {
            "name": "CR",
            "samples": [
                {
                    "name": "bkg",
                    "data": [500.0, 400.0],
                    "modifiers": [
                        _modifier("bkg_norm", "normsys", {"hi": 1.2, "lo": 0.85}),
                        _modifier("k_bkg", "normfactor"),
                        _modifier("staterror_CR", "staterror", [10.0, 9.0]),
                    ],
                }
            ],
        },
    ],
    "observations": [
        {"name": "SR", "data": [58.0, 75.0, 41.0]},
        {"name": "CR", "data": [510.0, 395.0]},
    ],
    "measurements": [
        {
            "name": "meas",
            "config": {
                "poi": "mu",
                "parameters": [
                    {
                        "name": "lumi",
                        "auxdata": [1.0],
                        "sigmas": [0.017],
                        "bounds": [[0.915, 1.085]],
                        "inits": [1.0],
                    }
                ],
            },
        }
    ],
    "version": "1.0.0",
}


@pytest.fixture
def simple_document() -> dict[str, Any]:
    return copy.deepcopy(SIMPLE)


@pytest.fixture
def full_document() -> dict[str, Any]:
    return copy.deepcopy(FULL)


@pytest.fixture
def simple(simple_document: dict[str, Any]) -> HistFactoryModel:
    return HistFactoryModel.from_pyhf(simple_document)


@pytest.fixture
def full(full_document: dict[str, Any]) -> HistFactoryModel:
    return HistFactoryModel.from_pyhf(full_document)
