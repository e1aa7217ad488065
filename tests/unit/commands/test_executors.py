"""``--executor KIND:SIZE`` starts what it names."""

import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import click
import pytest

from nextstat_commands.executors import running
from nextstat_core.errors import NextstatError


def test_nothing_is_started_unless_asked_for() -> None:
    with running(None) as executor:
        assert executor is None


def test_threads_work() -> None:
    with running("thread:2") as executor:
        assert isinstance(executor, ThreadPoolExecutor)
        assert executor.submit(abs, -3).result() == 3


def test_processes_are_spawned() -> None:
    with running("process:1") as executor:
        assert isinstance(executor, ProcessPoolExecutor)
        assert executor.submit(abs, -3).result() == 3


@pytest.mark.parametrize("text", ["process", "process:", "process:0", "thread:two", "mpi:4", ""])
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="process:N"), running(text):
        pass


def test_without_dask_the_plugin_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(NextstatError, match="pip install nextstat-dask"), running("dask:host:1"):
        pass
