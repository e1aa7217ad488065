"""Calls in worker processes: the same results, and an end to calls that take too much."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from nextstat_core.errors import InputError
from nextstat_core.hooks import get_manager
from nextstat_tools import Cancellation, Limits, Toolbox, execute_tool
from nextstat_tools.outcome import ToolError
from nextstat_tools.workers import can_limit_memory

#: Takes hours: what limits and cancellations are for.
ENDLESS = {"mu": 1.0, "n_toys": 1_000_000}
STARTUP = 480 * 2**20


def test_results_do_not_depend_on_the_process(workers, workspace):
    for name, extra in (("nextstat_fit", {}), ("nextstat_hypotest_toys", {"mu": 1, "n_toys": 40})):
        arguments = {"workspace_json": workspace, **extra}
        assert workers.call(name, arguments) == execute_tool(name, arguments)


def test_errors_do_not_depend_on_the_process(workers, workspace):
    document = json.loads(workspace)
    document["channels"][0]["samples"][0]["data"] = [1.0]
    for arguments in ({"workspace_json": "{"}, {"workspace_json": json.dumps(document)}, {}):
        assert workers.call("nextstat_fit", arguments) == execute_tool("nextstat_fit", arguments)
    with pytest.raises(ToolError) as caught:
        workers.call_raw("nextstat_fit", {"workspace_json": "{"})
    assert caught.value.kind == "FormatError"


def test_progress_reaches_the_caller(workers, workspace):
    seen = []
    done = workers.call(
        "nextstat_hypotest_toys",
        {"workspace_json": workspace, "mu": 1.0, "n_toys": 100},
        progress=lambda *counts: seen.append(counts),
    )
    assert done["ok"]
    assert seen[-1] == (200, 200)


def test_caller_that_fails_while_it_watches_does_not_get_the_answer_later(workers, workspace):
    def fail(done, total):
        raise RuntimeError("the window was closed")

    toys = {"workspace_json": workspace, "mu": 1.0, "n_toys": 100}
    done = workers.call("nextstat_hypotest_toys", toys, progress=fail)
    assert done["error"] == {"type": "RuntimeError", "message": "the window was closed"}
    assert "nll" in workers.call("nextstat_fit", {"workspace_json": workspace})["result"]


def test_call_that_takes_too_long_is_ended_and_the_next_one_works(workspace):
    with Toolbox(limits=Limits(seconds=0.5, memory=None, workers=1)) as box:
        endless = {"workspace_json": workspace, **ENDLESS}
        done = box.call("nextstat_hypotest_toys", endless)
        assert done["error"]["type"] == "TimeoutError"
        assert "longer than its limit of 0.5 s" in done["error"]["message"]
        assert box.call("nextstat_workspace_audit", {"workspace_json": workspace})["ok"]


def test_running_call_is_cancelled_from_another_thread(workers, workspace):
    cancellation, began = Cancellation(), threading.Event()
    answers = []

    def call():
        answers.append(
            workers.call(
                "nextstat_hypotest_toys",
                {"workspace_json": workspace, **ENDLESS},
                progress=lambda *counts: began.set(),
                cancellation=cancellation,
            )
        )

    thread = threading.Thread(target=call)
    thread.start()
    assert began.wait(60)
    cancellation.cancel()
    thread.join(60)
    assert not thread.is_alive()
    assert answers[0]["error"]["type"] == "CancelledError"
    assert workers.call("nextstat_fit", {"workspace_json": workspace})["ok"]


def test_cancelled_call_does_not_begin(workers, workspace):
    cancellation = Cancellation()
    cancellation.cancel()
    arguments = {"workspace_json": workspace}
    done = workers.call("nextstat_fit", arguments, cancellation=cancellation)
    assert done["error"] == {
        "type": "CancelledError",
        "message": "the call was cancelled before it began",
    }


def test_a_call_that_is_over_cannot_be_cancelled(workers, workspace):
    cancellation = Cancellation()
    arguments = {"workspace_json": workspace}
    assert workers.call("nextstat_fit", arguments, cancellation=cancellation)["ok"]
    cancellation.cancel()
    assert workers.call("nextstat_fit", arguments)["ok"]


@pytest.mark.skipif(not can_limit_memory(), reason="this system cannot limit memory")
def test_call_that_needs_too_much_memory_is_ended_and_the_next_one_works(workspace):
    document = json.loads(workspace)
    bins = 1_000_000
    (channel,) = document["channels"]
    channel["samples"] = [{"name": "background", "data": [1.0] * bins, "modifiers": []}]
    channel["samples"][0]["modifiers"] = [{"name": "mu", "type": "normfactor", "data": None}]
    document["observations"][0]["data"] = [1.0] * bins
    large = {"workspace_json": json.dumps(document)}
    with Toolbox(limits=Limits(seconds=60.0, memory=STARTUP, workers=1)) as box:
        done = box.call("nextstat_fit", large)
        assert done["error"]["type"] in {"MemoryError", "WorkerError"}
        assert "more memory than its limit of 0.469 GiB" in done["error"]["message"]
        assert box.call("nextstat_fit", {"workspace_json": workspace})["ok"]


@pytest.mark.skipif(not can_limit_memory(), reason="this system cannot limit memory")
def test_limit_that_leaves_no_room_for_the_libraries_is_an_error(workspace):
    with Toolbox(limits=Limits(memory=32 * 2**20)) as box:
        done = box.call("nextstat_fit", {"workspace_json": workspace})
    assert done["error"]["type"] == "WorkerError"
    assert "its limit of 0.0312 GiB" in done["error"]["message"]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="has no signals")
def test_worker_that_was_ended_while_idle_is_replaced(workspace):
    with Toolbox(limits=Limits(workers=1)) as box:
        assert box.call("nextstat_fit", {"workspace_json": workspace})["ok"]
        process = box._workers._idle[0]._process
        process.kill()
        process.wait()
        assert box.call("nextstat_fit", {"workspace_json": workspace})["ok"]


def test_calls_wait_for_one_another(workspace):
    with Toolbox(limits=Limits(workers=1)) as box:
        answers = []

        def call():
            answers.append(box.call("nextstat_fit", {"workspace_json": workspace}))

        threads = [threading.Thread(target=call) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
    assert [answer["ok"] for answer in answers] == [True] * 3
    assert answers[0] == answers[1] == answers[2]


def test_tool_that_only_this_process_has_is_named(workers):
    from types import SimpleNamespace

    from nextstat_core.hooks import ToolSpec, hookimpl

    @hookimpl
    def nextstat_register_tools():
        return [ToolSpec("acme_here", "Here.", {"type": "object"}, lambda given: None)]

    plugin = SimpleNamespace(nextstat_register_tools=nextstat_register_tools)
    get_manager().register(plugin, name="acme")
    try:
        done = workers.call("acme_here", {})
    finally:
        get_manager().unregister("acme")
    assert done["error"]["type"] == "PluginError"
    assert "no worker process has it" in done["error"]["message"]


PRINTS = """
from nextstat_core.hooks import ToolSpec, hookimpl

def prints(given):
    import os
    print("to standard output")
    os.write(1, b"and to its descriptor")
    return {"ok": True}

def dies(given):
    import os
    os._exit(7)

@hookimpl
def nextstat_register_tools():
    schema = {"type": "object"}
    return [ToolSpec("acme_prints", "", schema, prints), ToolSpec("acme_dies", "", schema, dies)]
"""
CALLS = """
import json
from nextstat_tools import Limits, Toolbox
with Toolbox(limits=Limits()) as box:
    print(json.dumps([box.call(name, {}) for name in ("acme_prints", "acme_dies", "acme_prints")]))
"""


def test_tools_that_print_or_die_harm_nobody(site):
    site.install("acme-tools", "acme", PRINTS)
    done = subprocess.run(
        [sys.executable, "-c", CALLS],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(site.folder)},
    )
    first, second, third = json.loads(done.stdout)
    assert first["result"] == third["result"] == {"ok": True}
    assert second["error"]["type"] == "WorkerError"
    assert "ended with code 7" in second["error"]["message"]


ABANDONS = """
import sys
from nextstat_tools import Limits, Toolbox
box = Toolbox(limits=Limits(memory=None))
def report(*counts):
    print(box._workers._all[0]._process.pid, flush=True)
endless = {"workspace_json": sys.argv[1], "mu": 1, "n_toys": 1000000}
box.call("nextstat_hypotest_toys", endless, progress=report)
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for the process in /proc")
def test_workers_end_with_their_parent(workspace):
    parent = subprocess.Popen(
        [sys.executable, "-c", ABANDONS, workspace], stdout=subprocess.PIPE, text=True
    )
    with parent:
        worker = int(parent.stdout.readline())
        parent.kill()
    for _ in range(600):
        if not Path(f"/proc/{worker}").is_dir():
            return
        time.sleep(0.1)
    pytest.fail("the worker outlives its parent")


def test_closed_toolbox_starts_no_workers(workspace):
    with Toolbox(limits=Limits()) as box:
        assert box.call("nextstat_fit", {"workspace_json": workspace})["ok"]
    done = box.call("nextstat_fit", {"workspace_json": workspace})
    assert done["error"] == {"type": "WorkerError", "message": "the toolbox was closed"}


@pytest.mark.parametrize(
    ("name", "value"), [("seconds", 0), ("memory", -1), ("workers", 0), ("seconds", float("nan"))]
)
def test_limits_are_positive_numbers(name, value):
    with pytest.raises(InputError, match=f"`{name}` is {value}; expected a positive number"):
        Limits(**{name: value})
