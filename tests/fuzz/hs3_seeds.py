"""HS3 documents to start fuzzing from: every kind of modifier, today's dialect and the oldest."""

from __future__ import annotations

from functools import cache
from typing import Any

from nextstat_core.io import hs3_document, read_pyhf
from nextstat_core.testing import generate_workspace

__all__ = ["seeds"]

_AXES = {"x": {"min": 0.0, "max": 2.0, "nbins": 2}}
_OLD: dict[str, Any] = {
    "distributions": {
        "model_SR": {
            "type": "histfactory_dist",
            "statError": {"constraint": "Gauss", "relThreshold": 0.05},
            "samples": [
                {
                    "name": "s",
                    "data": {"contents": [5.0, 7.0], "errors": [1.0, 0.1], "variables": _AXES},
                    "modifiers": [
                        {"name": "mu", "type": "normfactor"},
                        {"name": "mcstat", "type": "staterror"},
                        {"name": "jes", "type": "normsys", "data": {"lo": 0.9, "hi": 1.1}},
                        {
                            "name": "dd",
                            "type": "shapesys",
                            "constraint": "Poisson",
                            "data": {"vals": [1.0, 0.0]},
                        },
                    ],
                }
            ],
        }
    },
    "likelihoods": [{"name": "SR", "dist": "model_SR", "obs": "observed"}],
    "analyses": [{"name": "fit", "likelihoods": ["SR"], "pois": ["mu"]}],
    "data": [{"name": "observed", "variables": _AXES, "contents": [6.0, 6.0]}],
    "domains": [
        {
            "name": "default_domain",
            "type": "product_domain",
            "variables": [{"name": "mu", "min": -3.0, "max": 5.0}],
        }
    ],
    "parameter_points": [{"name": "default_values", "mu": {"value": 1}}],
}


@cache
def seeds() -> tuple[dict[str, Any], ...]:
    """Documents; do not change them."""
    workspace = generate_workspace(
        3,
        n_channels=2,
        n_bins=2,
        n_samples=2,
        n_normsys=1,
        n_histosys=1,
        lumi=True,
        staterror=True,
        shapesys=True,
        shapefactor=True,
    )
    workspace["measurements"][0]["config"]["parameters"] += [
        {"name": "normsys_0", "constraint": {"type": "LogNormal", "rel_uncertainty": 0.2}}
    ]
    today = hs3_document(read_pyhf(workspace))
    return today, _OLD
