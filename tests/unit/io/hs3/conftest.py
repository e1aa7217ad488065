"""A small HS3 document in today's layout, which tests change."""

from __future__ import annotations

import copy
from typing import Any

import pytest

_AXES = [{"name": "obs_x_SR", "min": 0.0, "max": 2.0, "nbins": 2}]

_DOCUMENT: dict[str, Any] = {
    "metadata": {"hs3_version": "0.2", "packages": [{"name": "ROOT", "version": "6.38.00"}]},
    "distributions": [
        {
            "name": "model_SR",
            "type": "histfactory_dist",
            "axes": _AXES,
            "samples": [
                {
                    "name": "signal",
                    "data": {"contents": [5.0, 10.0]},
                    "modifiers": [{"name": "mu", "parameter": "mu", "type": "normfactor"}],
                },
                {
                    "name": "background",
                    "data": {"contents": [50.0, 60.0], "errors": [5.0, 3.0]},
                    "modifiers": [
                        {
                            "name": "jes",
                            "parameter": "alpha_jes",
                            "type": "normsys",
                            "data": {"lo": 0.9, "hi": 1.2},
                        },
                        {
                            "name": "tilt",
                            "parameter": "alpha_tilt",
                            "type": "histosys",
                            "data": {
                                "lo": {"contents": [45.0, 62.0]},
                                "hi": {"contents": [56.0, 57.0]},
                            },
                        },
                    ],
                },
            ],
        }
    ],
    "data": [
        {"name": "observed_SR", "type": "binned", "axes": _AXES, "contents": [52.0, 71.0]},
        {"name": "asimov_SR", "type": "binned", "axes": _AXES, "contents": [55.0, 70.0]},
    ],
    "likelihoods": [
        {"name": "observed", "distributions": ["model_SR"], "data": ["observed_SR"]},
        {"name": "asimov", "distributions": ["model_SR"], "data": ["asimov_SR"]},
    ],
    "analyses": [
        {
            "name": "fit",
            "likelihood": "observed",
            "parameters_of_interest": ["mu"],
            "domains": ["fit_domain"],
        },
        {"name": "expected", "likelihood": "asimov", "parameters_of_interest": ["mu"]},
    ],
    "domains": [
        {
            "name": "fit_domain",
            "type": "product_domain",
            "axes": [{"name": "mu", "min": -3.0, "max": 5.0}],
        },
        {
            "name": "default_domain",
            "type": "product_domain",
            "axes": [
                {"name": "mu", "min": -100.0, "max": 100.0},
                {"name": "alpha_jes", "min": -4.0, "max": 4.0},
            ],
        },
    ],
    "parameter_points": [
        {
            "name": "default_values",
            "parameters": [
                {"name": "mu", "value": 1.0},
                {"name": "alpha_jes", "value": 0.0},
                {"name": "alpha_tilt", "value": 0.0},
            ],
        },
        {
            "name": "fitted",
            "parameters": [
                {"name": "mu", "value": 0.7},
                {"name": "alpha_tilt", "value": 0.25, "const": True},
            ],
        },
    ],
}


@pytest.fixture
def document() -> dict[str, Any]:
    return copy.deepcopy(_DOCUMENT)


@pytest.fixture
def background(document: dict[str, Any]) -> dict[str, Any]:
    """The sample with the systematics."""
    sample: dict[str, Any] = document["distributions"][0]["samples"][1]
    return sample
