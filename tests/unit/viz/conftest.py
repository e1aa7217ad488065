"""A model with everything that figures show, and its results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextstat_core import infer
from nextstat_core.models import HistFactoryModel
from nextstat_core.results import FitResult

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "example_workspace.json"


@pytest.fixture(scope="session")
def example() -> HistFactoryModel:
    return HistFactoryModel.from_workspace(EXAMPLE)


@pytest.fixture(scope="session")
def example_fit(example: HistFactoryModel) -> FitResult:
    return infer.fit(example)


@pytest.fixture(scope="session")
def results(example: HistFactoryModel, example_fit: FitResult) -> dict[str, Any]:
    """One result of each kind."""
    return {
        "fit": example_fit,
        "prefit": infer.yields(example),
        "postfit": infer.yields(example, example_fit),
        "cls": infer.cls_scan(example, np.linspace(0.0, 5.0, 6)),
        "profile": infer.profile_scan(example, np.linspace(0.0, 3.0, 7)),
        "interval": infer.intervals(example, [example.ir.poi])[0],
        "contour": infer.contour(example, example.ir.poi, "mu_Wjets", n_points=8),
        "postfit_impacts": infer.impacts(example, convention="postfit"),
        "prefit_impacts": infer.impacts(example, convention="prefit"),
        "toys": infer.hypotest_toys(example, 1.0, n_toys=40, seed=1),
    }


def fit_with(pulls: list[float], **changes: Any) -> FitResult:
    """A fit of parameters p0, p1, ... with unit constraints around zero."""
    count = len(pulls)
    return FitResult(
        parameter_names=tuple(f"p{i}" for i in range(count)),
        values=np.array(pulls),
        errors=np.full(count, 0.5),
        nll=0.0,
        converged=True,
        termination_reason="edm",
        prefit_centers=np.zeros(count),
        prefit_widths=np.ones(count),
        **changes,
    )


@pytest.fixture
def make_fit() -> Any:
    return fit_with
