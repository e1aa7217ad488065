"""Measure nextstat, ours or a peer's release, whichever the interpreter that runs this has.

Usage: ``python nextstat_peer.py JOB.json``. The job holds ``workload``, ``workspace`` (a path),
``repeats``, and for toys ``n_toys`` and ``seed``. One JSON line per repetition goes to stdout.
"""

import json
import platform
import resource
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import nextstat

Record = dict[str, Any]


CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def timed(function: Callable[[], Any], job: Record) -> tuple[Any, float]:
    clock = CLOCKS[job.get("clock", "wall")]
    start = clock()
    value = function()
    return value, clock() - start


def load(text: str, job: Record) -> Record:
    """Read the text and evaluate once, so that what is done lazily counts."""

    def run() -> Any:
        model = nextstat.from_pyhf(text)
        model.nll(model.suggested_init())
        return model

    model, seconds = timed(run, job)
    return {"seconds": seconds, "n_parameters": model.n_params()}


def read_xml(text: str, job: Record) -> Record:
    """Read HistFactory XML with its ROOT files to a model, ready to evaluate."""
    del text
    path = job["workspace"]
    model, seconds = timed(lambda: nextstat.from_histfactory_xml(path), job)
    return {"seconds": seconds, "n_parameters": model.n_params()}


def fit(text: str, job: Record) -> Record:
    """Fit, with the covariance; `inner` fits are timed together where one is too short."""
    model, inner = nextstat.from_pyhf(text), job.get("inner", 1)

    def run() -> Any:
        for _ in range(inner):
            result = nextstat.fit(model)
            # 0.10.1 hands out no covariance, but has computed it for the uncertainties.
            _ = result.uncertainties, getattr(result, "covariance", None)
        return result

    result, seconds = timed(run, job)
    names = model.parameter_names()
    return {
        "seconds": seconds / inner,
        "nll": result.nll,
        "converged": result.converged,
        "gradient": result.final_grad_norm,
        "parameters": dict(zip(names, map(float, result.parameters), strict=True)),
    }


def toys(text: str, job: Record) -> Record:
    """Draw and fit toys and read values and convergence of all, since some build them when asked.

    Results with columns are read by column, as their users do; others one by one.
    `aux` says whether auxiliary data are drawn; without it the tool knows no such option.
    """
    model = nextstat.from_pyhf(text)
    batch = getattr(nextstat, "fit_toys_batch", nextstat.fit_toys)
    truth = list(model.suggested_init())
    options = {"aux": job["aux"]} if "aux" in job else {}

    def run() -> tuple[int, float]:
        results, fitting = timed(
            lambda: batch(model, truth, n_toys=job["n_toys"], seed=job["seed"], **options), job
        )
        if hasattr(results, "converged"):
            assert len(results.values) == len(results.nll) == job["n_toys"]
            return int(results.converged.sum()), fitting
        read = sum(result.converged and len(result.parameters) > 0 for result in results)
        return read, fitting

    (converged, fitting), seconds = timed(run, job)
    return {
        "seconds": seconds / job["n_toys"],
        "seconds_without_reading": fitting / job["n_toys"],
        "n_toys": job["n_toys"],
        "converged": converged,
    }


def scan(text: str, job: Record) -> Record:
    """Profile the likelihood at `values` of the parameter of interest, free fit included."""
    model = nextstat.from_pyhf(text)
    found, seconds = timed(lambda: nextstat.profile_scan(model, job["values"]), job)
    return {
        "seconds": seconds,
        "q_mu": [point["q_mu"] for point in found["points"]],
        "points_converged": sum(point["converged"] for point in found["points"]),
    }


def hypotest(text: str, job: Record) -> Record:
    """Test one value with asymptotic formulas; `inner` tests are timed together."""
    model, inner = nextstat.from_pyhf(text), job.get("inner", 1)

    def run() -> float:
        for _ in range(inner):
            cls = nextstat.hypotest(job["mu"], model)
        return float(cls)

    cls, seconds = timed(run, job)
    return {"seconds": seconds / inner, "cls": cls}


def limits(text: str, job: Record) -> Record:
    """Find the observed limit, and with `expected` the five expected ones, too."""
    model = nextstat.from_pyhf(text)
    options = {"expected": True} if job.get("expected") else {}
    found, seconds = timed(lambda: nextstat.upper_limit(model, **options), job)
    return {"seconds": seconds, "observed": found[0] if options else found}


def toy_test(text: str, job: Record) -> Record:
    """CLs from toys; the time is that per toy of both ensembles."""
    model, count = nextstat.from_pyhf(text), job["n_toys"]
    options = {"aux": job["aux"]} if "aux" in job else {}
    cls, seconds = timed(
        lambda: nextstat.hypotest_toys(job["mu"], model, n_toys=count, seed=job["seed"], **options),
        job,
    )
    return {"seconds": seconds / (2 * count), "toys_each": count, "cls": float(cls)}


def ranking(text: str, job: Record) -> Record:
    """Rank all nuisance parameters, the best fit included."""
    model = nextstat.from_pyhf(text)
    rows, seconds = timed(lambda: nextstat.ranking(model), job)
    return {
        "seconds": seconds,
        "n_ranked": len(rows),
        "shifts": {row["name"]: [row["delta_mu_up"], row["delta_mu_down"]] for row in rows},
    }


def judge(text: str, job: Record) -> Record:
    """Evaluate the NLL here at the parameters that others found, by name."""
    model = nextstat.from_pyhf(text)
    names = model.parameter_names()
    values = {
        tool: model.nll([point[name] for name in names]) for tool, point in job["points"].items()
    }
    return {"seconds": 0.0, "nll_at": values}


def peak_mb() -> float:
    """Largest resident memory of this process, MB."""
    status = Path("/proc/self/status")
    if status.is_file():
        # On Linux ru_maxrss would include the parent, from before this program was started.
        line = next(each for each in status.read_text().splitlines() if each.startswith("VmHWM"))
        return float(line.split()[1]) / 1024.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0**2  # bytes on macOS


def versions() -> Record:
    found = {"python": platform.python_version()}
    for name in ("nextstat-api", "nextstat-core", "nextstat", "numpy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


WORKLOADS = {
    "load": load,
    "read_xml": read_xml,
    "fit": fit,
    "toys": toys,
    "hypotest": hypotest,
    "limits": limits,
    "toy_test": toy_test,
    "ranking": ranking,
    "scan": scan,
    "judge": judge,
}


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    text = Path(job["workspace"]).read_text(encoding="utf-8")
    nextstat.set_threads(1)
    for _ in range(job["repeats"]):
        record = WORKLOADS[job["workload"]](text, job)
        record["peak_mb"] = peak_mb()
        print(json.dumps({**record, "versions": versions()}), flush=True)


main()
