"""Distributions of the test statistic in toys of both hypotheses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import InputError
from nextstat_viz.figure import Axis, FigureSpec, Panel, Series, Steps, VLine

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.results import ToyHypotestResult

__all__ = ["toys_figure"]


def toys_figure(test: ToyHypotestResult, *, n_bins: int = 50) -> FigureSpec:
    """Test statistics of the toys of both hypotheses, with that of the data.

    Parameters
    ----------
    test : ToyHypotestResult
        Toys whose fits failed are left out, as they are of its probabilities, and counted.
    n_bins : int
        Number of columns; the last one ends at the largest value.

    Raises
    ------
    InputError
        If there is no valid toy.
    """
    ensembles = {
        ("signal + background", "toys_sb"): test.sb.q[test.sb.valid],
        ("background only", "toys_b"): test.b.q[test.b.valid],
    }
    largest = max((float(np.max(q)) for q in ensembles.values() if len(q)), default=None)
    if largest is None:
        raise InputError("there are no distributions to draw: no toy is valid")
    edges = np.linspace(0.0, max(1.02 * largest, 1.1 * test.q, 1e-3), n_bins + 1)
    series: list[Series] = []
    least = 1.0
    for (label, role), q in ensembles.items():
        if len(q):
            heights = np.histogram(np.clip(q, 0.0, None), edges)[0] / len(q)
            series.append(_columns(f"{label}, {len(q)} toys", role, edges, heights))
            least = min(least, 1.0 / len(q))
    series.append(VLine(label=f"observed: {test.q:.4g}", role="observed_line", x=test.q))
    return FigureSpec(
        name="toys",
        title=f"Test of {test.mu:g} with toys",
        description="Distributions of the test statistic under both hypotheses, and its value",
        panel=Panel(
            x=Axis(label=f"test statistic ({test.test_stat})", limits=(0.0, float(edges[-1]))),
            y=Axis(label="fraction of toys", scale="log", limits=(0.4 * least, 3.0)),
            series=tuple(series),
        ),
        notes=tuple(_probabilities(test)),
    )


def _columns(
    label: str, role: str, edges: NDArray[np.float64], heights: NDArray[np.float64]
) -> Steps:
    return Steps(label=label, role=role, edges=edges, y_lo=np.zeros(len(heights)), y_hi=heights)


def _probabilities(test: ToyHypotestResult) -> list[str]:
    notes = []
    for name, value, error in (
        ("CLs+b" if test.cls is not None else "p", test.p_value, test.p_value_error),
        ("CLb", test.clb, test.clb_error),
        ("CLs", test.cls, test.cls_error),
    ):
        if value is not None and error is not None:
            notes.append(f"{name} = {value:.3g} ± {error:.1g}")
    for name, ensemble in (("s+b", test.sb), ("b", test.b)):
        if ensemble.n_valid < len(ensemble):
            notes.append(f"{len(ensemble) - ensemble.n_valid} {name} toys left out")
    return notes
