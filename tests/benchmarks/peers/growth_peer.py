"""Time one model with nextstat, ours or a peer's release, whichever the interpreter has.

Usage: ``python growth_peer.py JOB.json``. The job holds ``workspace`` (a path) and ``dense``, the
number of parameters up to which a dense Hessian is asked for. One JSON line per quantity goes to
stdout as soon as it is known, so that something is known of what takes too long.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nextstat

#: Seconds after which a measurement is not repeated.
PATIENCE = 0.5
MOST_CALLS = 7


def timed(function: Callable[[], Any]) -> tuple[Any, float]:
    """Value, and median of the calls after the first; of that one where it takes long."""
    taken: list[float] = []
    while len(taken) <= MOST_CALLS and sum(taken) < PATIENCE:
        start = time.perf_counter()
        value = function()
        taken.append(time.perf_counter() - start)
    return value, statistics.median(taken[1:] or taken)


def fit(model: Any) -> Any:
    result = nextstat.fit(model)
    _ = result.uncertainties
    return result


def quantities(text: str, model: Any, dense: int) -> dict[str, Callable[[], Any]]:
    """What this nextstat can do, by name, in the order of cost."""
    start = model.suggested_init()
    found = {
        "load": lambda: nextstat.from_pyhf(text),
        "nll": lambda: model.nll(start),
        "gradient": lambda: model.grad_nll(start),
    }
    if hasattr(model, "compiled"):
        kernel, data = model.compiled, model.observations
        theta = kernel.backend.asarray([[value] for value in start])
        found["hessian"] = lambda: kernel.hessian(kernel.evaluate(theta, data, 2), data)
        if len(start) <= dense:
            found["dense"] = lambda: model.hessian(start)
    return {**found, "fit": lambda: fit(model)}


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    text = Path(job["workspace"]).read_text(encoding="utf-8")
    nextstat.set_threads(1)
    model = nextstat.from_pyhf(text)
    print(json.dumps({"n_parameters": model.n_params()}), flush=True)
    for name, call in quantities(text, model, job["dense"]).items():
        value, seconds = timed(call)
        known = {name: seconds} | ({"converged": value.converged} if name == "fit" else {})
        print(json.dumps(known), flush=True)


main()
