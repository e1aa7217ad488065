"""How good is a surrogate of an analysis? Its errors at held-out points, and along a profile.

``python docs/examples/surrogate.py WORKSPACE`` fits the workspace, trains a surrogate in a box
around the fit, and compares both where the parameter of interest is held and all others are fitted:
there tests and limits are made, and no point of the training set is near.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import nextstat
from nextstat.distill import (
    OutsideBoundsWarning,
    bounds_around,
    generate_dataset,
    predict_nll,
    train_mlp_surrogate,
)


def profile(model: nextstat.HistFactoryModel, result: Any, reach: float) -> list[list[float]]:
    """Conditional best fits, up to `reach` standard deviations from the best fit."""
    best = result[model.parameter_names()[result.poi_index]]
    values = best.value + best.error * np.linspace(-reach, reach, 9)
    inside = model.suggested_bounds()[result.poi_index]
    return [
        nextstat.fit(model, fixed={best.name: value}).parameters
        for value in np.unique(np.clip(values, *inside)).tolist()
    ]


def study(
    workspace: str, *, n_sigma: float, points: int, epochs: int, quadratic: bool
) -> dict[str, Any]:
    """Train, and compare."""
    model = nextstat.from_pyhf(Path(workspace).read_text(encoding="utf-8"))
    result = nextstat.fit(model)
    box = bounds_around(model, result.parameters, result.uncertainties, n_sigma=n_sigma)
    surrogate = train_mlp_surrogate(
        generate_dataset(model, points, bounds=box),
        hidden_layers=(64,),
        epochs=epochs,
        lr=3e-3,
        grad_weight=1.0,
        nll_reference=result.nll,
        quadratic=quadratic,
    )
    along = np.array(profile(model, result, 2.0))
    with warnings.catch_warnings():
        # Conditional fits may leave the box a little.
        warnings.simplefilter("ignore", OutsideBoundsWarning)
        found = predict_nll(surrogate, along)
        best = predict_nll(surrogate, result.parameters)
    return {
        "report": surrogate.report,
        "best fit": best - result.nll,
        "profile": np.abs(found - best - model.nll_batch(along) + result.nll).max(),
    }


def main() -> None:
    """Print the errors."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("workspace")
    parser.add_argument("--n-sigma", type=float, default=1.0, help="half the width of the box")
    parser.add_argument("--points", type=int, default=16384)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--no-quadratic", dest="quadratic", action="store_false")
    found = study(**vars(parser.parse_args()))
    sys.stdout.write(
        f"{found['report']}\n"
        f"at the best fit: -log L off by {found['best fit']:.3g}\n"
        f"along the profile, up to 2 sigma: differences off by {found['profile']:.3g} at most\n"
    )


if __name__ == "__main__":
    main()
