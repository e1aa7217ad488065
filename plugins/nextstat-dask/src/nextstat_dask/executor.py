"""A client of dask.distributed as an executor of nextstat."""

from __future__ import annotations

from concurrent.futures import BrokenExecutor, Executor, Future
from typing import TYPE_CHECKING, Any

from distributed import KilledWorker

from nextstat_core.infer.executors import PackedModel

if TYPE_CHECKING:
    from collections.abc import Callable

    from distributed import Client

__all__ = ["DaskExecutor"]


class DaskExecutor(Executor):
    """Runs units of work on a cluster.

    The scheduler gives the work of a lost worker to others. If a unit keeps losing workers
    (``distributed.scheduler.allowed-failures``), the run ends with a `WorkerError` that names it.

    Parameters
    ----------
    client : distributed.Client
        It is not closed by `shutdown`.
    retries : int
        How often a unit is repeated that raised an exception, as dask counts.
    """

    def __init__(self, client: Client, *, retries: int = 0) -> None:
        self._client = client
        self._inner: Executor = client.get_executor(pure=False, retries=retries)  # type: ignore[no-untyped-call]
        self._models: dict[PackedModel, Any] = {}

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run ``fn(*args, **kwargs)`` on the cluster."""
        sent = [self._model(arg) if isinstance(arg, PackedModel) else arg for arg in args]
        return _translated(self._inner.submit(fn, *sent, **kwargs))

    def _model(self, packed: PackedModel) -> Any:
        """The model as a task of the cluster: sent once, and made again where it was lost."""
        if packed not in self._models:
            self._models[packed] = self._client.submit(_itself, packed, pure=False)
        return self._models[packed]

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002  signature of the base class
        """Wait for work, or cancel it; the cluster stays."""
        self._inner.shutdown(wait=wait and not cancel_futures)
        self._models.clear()


def _itself(packed: PackedModel) -> PackedModel:
    return packed


def _translated(inner: Future[Any]) -> Future[Any]:
    """The same future, with dask's word for lost workers put into that of the standard library."""
    outer: Future[Any] = Future()

    def finish(done: Future[Any]) -> None:
        if done.cancelled():
            outer.cancel()
        if not outer.set_running_or_notify_cancel():
            return
        error = done.exception()
        if isinstance(error, KilledWorker):
            lost = BrokenExecutor(str(error))
            lost.__cause__ = error
            error = lost
        if error is None:
            outer.set_result(done.result())
        else:
            outer.set_exception(error)

    def stop(cancelled: Future[Any]) -> None:
        if cancelled.cancelled():
            inner.cancel()

    outer.add_done_callback(stop)
    inner.add_done_callback(finish)
    return outer
