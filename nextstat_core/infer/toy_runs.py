"""Runs of toys: division into units, executors, checkpoints."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.infer.executors import finished_units
from nextstat_core.infer.toy_fits import histfactory_target, toy_chunks
from nextstat_core.infer.toy_statistics import ENSEMBLES, ToyUnit, statistics_of_toys
from nextstat_core.results import ToyEnsemble, ToyHypotestResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from os import PathLike

    from numpy.typing import NDArray

    from nextstat_core.infer.executors import Executor
    from nextstat_core.infer.toy_statistics import ToyTest
    from nextstat_core.models import HistFactoryModel

__all__ = ["ToyRun", "run_toys"]

# Seconds between two times that a checkpoint is written.
_PERIOD = 15.0


@dataclass(slots=True)
class ToyRun:
    """A test whose toys are to be made.

    Attributes
    ----------
    test : ToyTest
    result : ToyHypotestResult
        What is known of the data, without toys.
    wanted : mapping of str to range
        Toys of the ensembles ``sb`` and ``b``.
    checkpoint : path, optional
        File that holds what is done.
    """

    test: ToyTest
    result: ToyHypotestResult
    wanted: Mapping[str, range]
    checkpoint: str | PathLike[str] | None = None


def run_toys(
    model: HistFactoryModel,
    runs: Sequence[ToyRun],
    *,
    executor: Executor | None = None,
    threads: int = 1,
    chunk: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[ToyHypotestResult]:
    """Make the toys of several tests, all units at once; arguments as in `hypotest_toys`.

    Raises
    ------
    InputError
        If a checkpoint is of another study.
    WorkerError
        If an executor lost a worker; checkpoints hold what is done.
    """
    shelves = [_Shelf(run) for run in runs]
    units, owners = [], []
    for shelf in shelves:
        for unit in _missing(model, shelf, chunk, distributed=executor is not None):
            units.append(unit)
            owners.append(shelf)
    total = sum(len(numbers) for run in runs for numbers in run.wanted.values())
    done = total - sum(len(unit.numbers) for unit in units)
    try:
        for i, part in finished_units(
            statistics_of_toys, model, units, executor, threads=threads, name=str
        ):
            owners[i].add(units[i].ensemble, part)
            done += len(part)
            if progress is not None:
                progress(done, total)
    finally:
        # Whatever stopped the run, finished work stays.
        for shelf in shelves:
            shelf.write()
    return [shelf.wanted() for shelf in shelves]


def _missing(
    model: HistFactoryModel, shelf: _Shelf, chunk: int | None, *, distributed: bool
) -> list[ToyUnit]:
    """Units of all toys that are not done yet."""
    target = histfactory_target(model)
    units = []
    for name in ENSEMBLES:
        wanted = shelf.run.wanted[name]
        left = np.setdiff1d(np.asarray(wanted), shelf.numbers(name), assume_unique=True)
        for run in np.split(left, np.flatnonzero(np.diff(left) != 1) + 1):
            if not len(run):
                continue
            first, count = int(run[0]), len(run)
            if chunk is None:
                chunks = toy_chunks(target, first, count, distributed)
            else:
                starts = range(first, first + count, chunk)
                chunks = [range(start, min(start + chunk, first + count)) for start in starts]
            units += [ToyUnit(shelf.run.test, name, numbers) for numbers in chunks]
    return units


class _Shelf:
    """Collects the toys of one test, and keeps them in a file."""

    def __init__(self, run: ToyRun) -> None:
        self.run = run
        self._parts: dict[str, list[ToyEnsemble]] = {name: [] for name in ENSEMBLES}
        self._written, self._fresh = time.monotonic(), False
        if run.checkpoint is not None and Path(run.checkpoint).exists():
            found = ToyHypotestResult.load(run.checkpoint)
            _check_study(run, found)
            self._parts = {name: [getattr(found, name)] for name in ENSEMBLES}

    def numbers(self, name: str) -> NDArray[np.int64]:
        """Toys of an ensemble that are done."""
        return np.concatenate([np.zeros(0, np.int64), *(p.numbers for p in self._parts[name])])

    def add(self, name: str, part: ToyEnsemble) -> None:
        self._parts[name].append(part)
        self._fresh = True
        if time.monotonic() - self._written > _PERIOD:
            self.write()

    def write(self) -> None:
        """Bring the file up to date, if there is one."""
        if self.run.checkpoint is not None and self._fresh:
            self._all().save(self.run.checkpoint)
            self._written, self._fresh = time.monotonic(), False

    def wanted(self) -> ToyHypotestResult:
        """The result with the toys that were asked for; a file may hold more."""
        whole = self._all()
        parts: dict[str, Any] = {
            name: _only(getattr(whole, name), self.run.wanted[name]) for name in ENSEMBLES
        }
        return replace(whole, **parts)

    def _all(self) -> ToyHypotestResult:
        parts: dict[str, Any] = {
            name: ToyEnsemble.merged([ToyEnsemble.empty(), *found])
            for name, found in self._parts.items()
        }
        return replace(self.run.result, **parts)


def _only(ensemble: ToyEnsemble, numbers: range) -> ToyEnsemble:
    inside = (ensemble.numbers >= numbers.start) & (ensemble.numbers < numbers.stop)
    return ensemble if inside.all() else ensemble.part(inside)


def _check_study(run: ToyRun, found: ToyHypotestResult) -> None:
    for key, value in run.result.study.items():
        if found.study.get(key) != value:
            raise InputError(
                f"the checkpoint {str(run.checkpoint)!r} is of another study: its `{key}` is "
                f"{found.study.get(key)!r}; expected {value!r}",
                hint="give another file, or remove this one",
            )
