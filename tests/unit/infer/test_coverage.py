"""Coverage of intervals and width of pulls of small models; the long form is in tests/parity."""

from __future__ import annotations

import numpy as np
import pytest

from nextstat_core.infer import fit, fit_toys, hypotest_toys

TOYS = 400


@pytest.mark.parametrize("name", ["constrained", "two_gammas"])
def test_pulls_have_width_one_and_intervals_cover(load, name):
    model = load(name)
    free = {"mu": (-20.0, 20.0)}
    truth = fit(model, bounds=free).values
    toys = fit_toys(model, truth, n_toys=TOYS, bounds=free, compute_uncertainties=True)
    assert toys.n_converged == TOYS
    pulls = (toys.column("mu") - truth[0]) / toys.errors[:, 0]
    assert abs(pulls.std(ddof=1) - 1.0) < 3.0 / np.sqrt(2.0 * TOYS)
    assert abs(pulls.mean()) < 0.15 + 3.0 / np.sqrt(TOYS)
    t = hypotest_toys(model, truth[0], n_toys=TOYS, bounds=free, test_stat="t").sb.q
    for level, share in ((1.0, 0.682689), (3.841459, 0.95)):
        error = np.sqrt(share * (1.0 - share) / TOYS)
        assert abs(np.mean(t <= level) - share) < 3.0 * error
