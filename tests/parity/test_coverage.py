"""Coverage of intervals, and pulls, by toys of a small model and of a published analysis.

Truth stands at the best fit, with the bound of the parameter of interest opened and auxiliary data
drawn. The width of the pulls is one and intervals cover as they say; the mean of the pulls may
differ from zero, as maximum-likelihood estimates are biased at the order of one over the root of
the number of events. What was found is recorded as properties of the tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nextstat_core.infer import fit, fit_toys, hypotest_toys

if TYPE_CHECKING:
    from collections.abc import Callable

TOYS = 1000
CASES = {"small/nextstat-small/complex_workspace", "real/tttt-prod"}


def chosen(case: Any) -> bool:
    return case.id in CASES


@pytest.mark.slow
@pytest.mark.cases(select=chosen)
def test_pulls_have_width_one_and_intervals_cover(
    case: Any, load: Callable[[Any], Any], record_property: Callable[[str, object], None]
) -> None:
    model = load(case)
    poi = model.poi_index()
    name = model.parameter_names()[poi]
    free = {name: (-20.0, 40.0)}
    truth = fit(model, bounds=free).values
    toys = fit_toys(model, truth, n_toys=TOYS, bounds=free, compute_uncertainties=True)
    assert toys.n_converged == TOYS
    pulls = (toys.values[:, poi] - truth[poi]) / toys.errors[:, poi]
    width, mean = pulls.std(ddof=1), pulls.mean()
    t = hypotest_toys(model, truth[poi], n_toys=TOYS, bounds=free, test_stat="t").sb
    assert t.n_valid == TOYS
    covered = {level: np.mean(t.q <= level) for level in (1.0, 3.841459)}
    print(f"{case.id}: pulls {mean:+.3f} +- {width:.3f}, coverage {covered}")  # noqa: T201
    record_property("mean of the pulls", float(mean))
    assert abs(width - 1.0) < 3.0 / np.sqrt(2.0 * TOYS)
    assert abs(mean) < 0.15 + 3.0 / np.sqrt(TOYS)
    for level, share in ((1.0, 0.682689), (3.841459, 0.95)):
        error = np.sqrt(share * (1.0 - share) / TOYS)
        assert abs(covered[level] - share) < 3.0 * error, level
