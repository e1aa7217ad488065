"""Where many fits run: units of work for any executor, and models that travel as plain data.

A unit is an argument of a function of a module, ``function(model, unit)``, and like its result it
can be pickled. The model is sent as the JSON of its plain data and compiled once per process.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Future,
    ThreadPoolExecutor,
    as_completed,
)
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from nextstat_core.backend import Backend, Capability
from nextstat_core.errors import InputError, WorkerError
from nextstat_core.ir import model_from_dict, model_to_dict
from nextstat_core.models import HistFactoryModel, StatisticalModel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

__all__ = ["Executor", "PackedModel", "finished_units", "model_digest", "pack", "run_units"]

_Unit = TypeVar("_Unit")
_Result = TypeVar("_Result")

# Models that a process keeps compiled.
_KEPT = 8
_compiling = threading.Lock()
_one_at_a_time = threading.RLock()


class Executor(Protocol):
    """What fits need of an executor: that of `concurrent.futures.Executor`."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run ``fn(*args, **kwargs)`` some time, somewhere."""
        ...


@dataclass(frozen=True, slots=True)
class PackedModel:
    """A HistFactory model on its way to another process.

    Attributes
    ----------
    digest : str
        SHA-256 of `content`; names the model.
    content : bytes
        Plain data of the model as JSON.
    backend : Backend
        Pickled by its name and device.
    precise : bool
    """

    digest: str
    content: bytes
    backend: Backend
    precise: bool

    def __hash__(self) -> int:
        return hash((self.digest, self.precise))

    def model(self) -> HistFactoryModel:
        """The model, compiled once per process."""
        # Threads that ask at the same time shall not compile it twice.
        with _compiling:
            return _compiled(self)


@lru_cache(maxsize=_KEPT)
def _compiled(packed: PackedModel) -> HistFactoryModel:
    ir = model_from_dict(msgspec.json.decode(packed.content))
    return HistFactoryModel(ir, backend=packed.backend, precise=packed.precise)


def pack(model: StatisticalModel) -> PackedModel | StatisticalModel:
    """What is sent of a model: plain data of a HistFactory model; others are pickled."""
    if not isinstance(model, HistFactoryModel):
        return model
    content = msgspec.json.encode(model_to_dict(model.ir))
    digest = sha256(content).hexdigest()
    return PackedModel(digest, content, model.backend, model.precise)


def model_digest(model: HistFactoryModel) -> str:
    """SHA-256 of a model's plain data, observed counts included."""
    return sha256(msgspec.json.encode(model_to_dict(model.ir))).hexdigest()


def run_units(
    function: Callable[[Any, _Unit], _Result],
    model: StatisticalModel | Sequence[StatisticalModel],
    units: Sequence[_Unit],
    *,
    executor: Executor | None = None,
    threads: int = 1,
    name: Callable[[_Unit], str] = str,
) -> list[_Result]:
    """Results of all units, in their order; arguments as in `finished_units`."""
    found = dict(finished_units(function, model, units, executor, threads=threads, name=name))
    return [found[i] for i in range(len(units))]


def finished_units(
    function: Callable[[Any, _Unit], _Result],
    model: StatisticalModel | Sequence[StatisticalModel],
    units: Sequence[_Unit],
    executor: Executor | None = None,
    *,
    threads: int = 1,
    name: Callable[[_Unit], str] = str,
) -> Iterator[tuple[int, _Result]]:
    """Number and result of each unit, as they are finished.

    Parameters
    ----------
    function : callable
        ``function(model, unit)``; of a module, where an executor works in other processes.
    model : model or sequence of models
        One for all units, or one for each.
    executor : concurrent.futures.Executor, optional
        Anything with its `submit`, or with a method `get_executor` that returns one, like a client
        of dask.distributed. This thread works if left out.
    threads : int
        Threads that work where there is no executor, and the backend may be used by several.
    name : callable
        What a unit is called in errors.

    Raises
    ------
    InputError
        If `executor` is none.
    WorkerError
        If the executor lost a worker, after all units that could be finished were.
    """
    models = [*model] if isinstance(model, Sequence) else [model]
    if executor is not None:
        packed = [pack(each) for each in models]
        yield from _submitted(function, packed, units, _checked(executor), name)
    elif threads > 1 and len(units) > 1 and all(map(_stands_threads, models)):
        with ThreadPoolExecutor(min(threads, len(units))) as pool:
            yield from _submitted(function, models, units, pool, name)
    else:
        for i, unit in enumerate(units):
            yield i, function(models[i % len(models)], unit)


def _checked(executor: Any) -> Executor:
    if hasattr(executor, "get_executor"):
        executor = executor.get_executor()
    if not callable(getattr(executor, "submit", None)):
        raise InputError(
            f"`executor` must be a concurrent.futures.Executor; found a {type(executor).__name__}",
            hint="concurrent.futures.ProcessPoolExecutor(), or DaskExecutor(client) of "
            "nextstat-dask",
        )
    return executor


def _submitted(
    function: Callable[[Any, _Unit], _Result],
    models: Sequence[PackedModel | StatisticalModel],
    units: Sequence[_Unit],
    executor: Executor,
    name: Callable[[_Unit], str],
) -> Iterator[tuple[int, _Result]]:
    futures: dict[Future[_Result], int] = {}
    lost: dict[int, BaseException] = {}
    try:
        for i, unit in enumerate(units):
            try:
                futures[executor.submit(_work, function, models[i % len(models)], unit)] = i
            except BrokenExecutor as error:
                lost[i] = error
        for future in as_completed(futures):
            try:
                result = future.result()
            except (BrokenExecutor, CancelledError) as error:
                lost[futures[future]] = error
            else:
                yield futures[future], result
    finally:
        for future in futures:
            future.cancel()
    if lost:
        raise _lost_workers(lost, units, name)


def _work(function: Callable[[Any, Any], Any], packed: Any, unit: Any) -> Any:
    model = packed.model() if isinstance(packed, PackedModel) else packed
    with _alone(model):
        return function(model, unit)


def _stands_threads(model: StatisticalModel) -> bool:
    return not isinstance(model, HistFactoryModel) or (
        Capability.THREADS in model.backend.capabilities
    )


def _alone(model: StatisticalModel) -> AbstractContextManager[Any]:
    """Waits for other threads, where the backend stands one only."""
    return nullcontext() if _stands_threads(model) else _one_at_a_time


def _lost_workers(
    lost: dict[int, BaseException], units: Sequence[_Unit], name: Callable[[_Unit], str]
) -> WorkerError:
    missing = ", ".join(name(units[i]) for i in sorted(lost))
    cause = next(iter(lost.values()))
    error = WorkerError(
        f"the executor lost a worker ({type(cause).__name__}); {len(lost)} of {len(units)} units "
        f"of work are not done: {missing}",
        hint="run the same call again with a new executor; what takes `checkpoint` goes on from "
        "the units that are done",
    )
    error.__cause__ = cause
    return error
