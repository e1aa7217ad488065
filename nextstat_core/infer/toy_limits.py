"""Upper limits from toys: tests where CLs is about to cross, and interpolation between them.

All tests use the same streams of random numbers, so that neighbouring values of CLs fluctuate
together, and their difference less than each.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.infer.hypotest_toys import prepare_toys
from nextstat_core.infer.limits import upper_limits
from nextstat_core.infer.toy_fits import check_count
from nextstat_core.infer.toy_runs import ToyRun, run_toys
from nextstat_core.models.arrays import floats, number
from nextstat_core.results import ToyLimitResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from os import PathLike

    from nextstat_core.infer.executors import Executor
    from nextstat_core.infer.statistics import TestStatistic
    from nextstat_core.models import HistFactoryModel
    from nextstat_core.results import ToyHypotestResult
    from nextstat_core.typing import ArrayLike

__all__ = ["Scan", "toy_upper_limit"]

# How often the range is widened, or the crossing tested, before what there is has to do.
_ROUNDS = 8
_WIDEN = 1.6
# Tests within this distance of log(alpha), and at least so many, give the slope of log(CLs).
_CLOSE, _LINE = np.log(4.0), 3


def toy_upper_limit(
    model: HistFactoryModel,
    *,
    alpha: float = 0.05,
    mu_values: ArrayLike | None = None,
    n_toys: int = 1000,
    test_stat: TestStatistic = "qtilde",
    threads: int = 1,
    executor: Executor | None = None,
    chunk: int | None = None,
    checkpoint: str | PathLike[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
    **options: Any,
) -> ToyLimitResult:
    """Value of the parameter of interest at which CLs from toys is `alpha`.

    Parameters
    ----------
    mu_values : array-like, optional
        Values to test. Left out, tests begin at the asymptotic limits, the range grows until CLs
        crosses, and the crossing is tested until CLs there is `alpha` within its error.
    n_toys : int
        Of both ensembles, for each tested value.
    test_stat : {"qtilde", "q"}
    checkpoint : path, optional
        Folder that keeps one file per tested value.
    **options
        ``seed``, ``data``, ``aux``, ``fixed``, ``bounds``, ``init``, ``options``, and others as in
        `hypotest_toys`.

    Returns
    -------
    ToyLimitResult
        Logarithms of CLs are interpolated linearly; at 0 CLs is 1.

    Raises
    ------
    InputError
        For arguments that cannot be used.
    """
    alpha = number("alpha", alpha)
    if not 0.0 < alpha < 1.0:
        raise InputError(f"`alpha` must lie between 0 and 1; found {alpha}")
    if test_stat not in {"qtilde", "q"}:
        raise InputError(f"limits take the statistic 'qtilde' or 'q'; found {test_stat!r}")
    scan = Scan(
        model,
        n_toys=n_toys,
        n_toys_b=n_toys,
        checkpoint=checkpoint,
        working={"threads": threads, "executor": executor, "chunk": chunk, "progress": progress},
        options={"test_stat": test_stat, **options},
    )
    if mu_values is not None:
        scan.test(np.unique(floats("mu_values", mu_values, finite=True)).tolist())
    else:
        _search(scan, _asymptotic_limits(model, alpha, test_stat, options), alpha)
    return _limit(scan, alpha)


class Scan:
    """Tests with toys at several values, by value.

    Parameters
    ----------
    working : mapping
        How `run_toys` works.
    options : mapping
        What `prepare_toys` takes.
    """

    def __init__(
        self,
        model: HistFactoryModel,
        *,
        n_toys: int,
        n_toys_b: int,
        checkpoint: str | PathLike[str] | None,
        working: Mapping[str, Any],
        options: Mapping[str, Any],
    ) -> None:
        check_count(n_toys)
        if not n_toys:
            raise InputError("n_toys must be > 0")
        self._model, self._working = model, working
        self._options = {"seed": 42, **options}
        self._wanted = {"sb": range(n_toys), "b": range(n_toys_b)}
        self._folder = None if checkpoint is None else Path(checkpoint)
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
        self._tests: dict[float, ToyHypotestResult] = {}

    def test(self, values: Iterable[float]) -> None:
        """Test more values, all at once."""
        new = [value for value in dict.fromkeys(values) if value not in self._tests]
        if not new:
            return
        runs = [
            ToyRun(test, result, self._wanted, self._file(test.mu))
            for test, result in prepare_toys(self._model, new, **self._options)
        ]
        results = run_toys(self._model, runs, **self._working)
        self._tests |= zip(new, results, strict=True)

    def _file(self, mu: float) -> Path | None:
        return None if self._folder is None else self._folder / f"mu={mu!r}.npz"

    @property
    def tests(self) -> list[ToyHypotestResult]:
        """By tested value."""
        return [self._tests[value] for value in sorted(self._tests)]


def _asymptotic_limits(
    model: HistFactoryModel, alpha: float, test_stat: TestStatistic, options: Mapping[str, Any]
) -> list[float]:
    """Observed and expected limits, as far as there are any."""
    names = ("data", "fixed", "bounds", "init", "options")
    asked = {name: options[name] for name in names if name in options}
    limits = upper_limits(model, alpha=alpha, test_stat=test_stat, **asked)
    found = [limits.observed, *([] if limits.expected is None else limits.expected)]
    return [float(value) for value in found if value is not None and 0.0 < value < np.inf]


def _search(scan: Scan, starts: Sequence[float], alpha: float) -> None:
    """Test values until the observed and the expected curves cross, the observed one well."""
    if not starts:
        raise InputError(
            "asymptotic formulas give no limit to begin at",
            hint="give the values to test: mu_values",
        )
    scan.test(starts)
    refined = False
    for _ in range(_ROUNDS):
        curves = _curves(scan.tests)
        if any(curve[-1] > alpha for curve in curves):
            scan.test([_WIDEN * scan.tests[-1].mu])
            continue
        crossings = [_crossing(scan.tests, curve, alpha) for curve in curves]
        # Expected limits are tested once, the observed one until it fits.
        targets = crossings[:1] if refined else crossings
        scan.test([value for value in targets if value is not None])
        refined = True
        if crossings[0] is None:
            return
        cls, error = _cls(_nearest(scan.tests, crossings[0]))
        if abs(cls - alpha) <= error:
            return


def _curves(tests: Sequence[ToyHypotestResult]) -> list[list[float]]:
    """CLs of the tests: observed, then the five expected ones."""
    bands = np.array([_bands(test) for test in tests])
    return [[_cls(test)[0] for test in tests], *bands.T.tolist()]


def _cls(test: ToyHypotestResult) -> tuple[float, float]:
    """CLs and its error, of a test that has them."""
    assert test.cls is not None
    assert test.cls_error is not None
    return test.cls, test.cls_error


def _bands(test: ToyHypotestResult) -> list[float]:
    bands = test.expected_cls
    return [1.0] * 5 if bands is None else bands.tolist()


def _crossing(
    tests: Sequence[ToyHypotestResult], curve: Sequence[float], alpha: float
) -> float | None:
    """Where a falling curve, which is 1 at the value 0, goes below alpha for good."""
    above = [(0.0, 1.0)]
    below = None
    for test, cls in zip(tests, curve, strict=True):
        if test.mu <= 0.0:
            continue
        if cls > alpha:
            # Fluctuations may cross more than once; the last crossing counts.
            above.append((test.mu, cls))
            below = None
        elif below is None:
            below = test.mu, cls
    if below is None:
        return None
    (low, high_cls), (high, low_cls) = above[-1], below
    share = np.log(high_cls / alpha) / np.log(high_cls / low_cls)
    return float(low + share * (high - low))


def _limit(scan: Scan, alpha: float) -> ToyLimitResult:
    tests = scan.tests
    curves = _curves(tests)
    observed, *expected = (_crossing(tests, curve, alpha) for curve in curves)
    warnings = list(dict.fromkeys(line for test in tests for line in test.warnings))
    tried = f"in the tested range, {tests[0].mu:.4g} ... {tests[-1].mu:.4g}"
    if observed is None:
        warnings.append(f"CLs does not cross {alpha:g} {tried}")
    if None in expected:
        warnings.append(f"not all expected CLs cross {alpha:g} {tried}")
    return ToyLimitResult(
        alpha=alpha,
        observed=observed,
        error=None if observed is None else _error(tests, observed, alpha),
        expected=tuple(expected),
        tests=tuple(tests),
        warnings=tuple(warnings),
    )


def _error(tests: Sequence[ToyHypotestResult], limit: float, alpha: float) -> float:
    """Error of the limit: that of CLs at the test next to it, over the slope of the curve.

    The slope is that of the logarithm, a straight line through the tests near alpha: two that lie
    close together would say more about fluctuations.
    """
    points = [(0.0, 1.0), *((test.mu, _cls(test)[0]) for test in tests)]
    values, logs = np.array([(value, np.log(cls / alpha)) for value, cls in points]).T
    order = np.argsort(np.abs(logs), kind="stable")
    chosen = order[: max(np.count_nonzero(np.abs(logs) < _CLOSE), _LINE)]
    slope = np.polyfit(values[chosen], logs[chosen], 1)[0]
    nearest = _nearest(tests, limit)
    return _cls(nearest)[1] / (_cls(nearest)[0] * abs(float(slope)))


def _nearest(tests: Sequence[ToyHypotestResult], value: float) -> ToyHypotestResult:
    return min(tests, key=lambda test: abs(test.mu - value))
