"""Measure pyhf with numpy and scipy. Same usage and output as `nextstat_peer.py`."""

import json
import logging
import platform
import resource
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

warnings.filterwarnings("ignore", category=DeprecationWarning)  # jsonschema, at import and use

import numpy as np  # noqa: E402
import pyhf  # noqa: E402

Record = dict[str, Any]


CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def timed(function: Callable[[], Any], job: Record) -> tuple[Any, float]:
    clock = CLOCKS[job.get("clock", "wall")]
    start = clock()
    value = function()
    return value, clock() - start


def read(text: str) -> tuple[Any, list[float]]:
    workspace = pyhf.Workspace(json.loads(text))
    model = workspace.model()
    return model, workspace.data(model)


def load(text: str, job: Record) -> Record:
    def run() -> Any:
        model, data = read(text)
        model.logpdf(model.config.suggested_init(), data)
        return model

    model, seconds = timed(run, job)
    return {"seconds": seconds, "n_parameters": model.config.npars}


def read_xml(text: str, job: Record) -> Record:
    """Read HistFactory XML with its ROOT files to a workspace; no model is made of it."""
    del text
    from pyhf import readxml

    path = Path(job["workspace"])

    def run() -> Any:
        readxml.clear_filecache()
        return readxml.parse(path, path.parent)

    spec, seconds = timed(run, job)
    return {"seconds": seconds, "n_channels": len(spec["channels"])}


def fit(text: str, job: Record) -> Record:
    """Fit with SLSQP; pyhf's scipy optimizer gives no covariance."""
    model, data = read(text)
    inner = job.get("inner", 1)

    def run() -> Any:
        for _ in range(inner):
            result = pyhf.infer.mle.fit(data, model, return_fitted_val=True)
        return result

    (best, twice_nll), seconds = timed(run, job)
    names = model.config.par_names
    return {
        "seconds": seconds / inner,
        "nll": 0.5 * float(twice_nll),
        "parameters": dict(zip(names, map(float, best), strict=True)),
    }


def toys(text: str, job: Record) -> Record:
    """Draw main and auxiliary data and fit, toy by toy."""
    model, _ = read(text)
    np.random.seed(job["seed"])  # noqa: NPY002  the generator that pyhf uses
    truth = pyhf.tensorlib.astensor(model.config.suggested_init())

    def run() -> int:
        converged = 0
        for sample in model.make_pdf(truth).sample((job["n_toys"],)):
            try:
                pyhf.infer.mle.fit(sample, model)
            except pyhf.exceptions.FailedMinimization:
                continue
            converged += 1
        return converged

    converged, seconds = timed(run, job)
    return {"seconds": seconds / job["n_toys"], "n_toys": job["n_toys"], "converged": converged}


def hypotest(text: str, job: Record) -> Record:
    """Test one value with asymptotic formulas, its five fits with SLSQP."""
    model, data = read(text)
    inner = job.get("inner", 1)

    def run() -> float:
        for _ in range(inner):
            cls = pyhf.infer.hypotest(job["mu"], data, model)
        return float(cls)

    cls, seconds = timed(run, job)
    return {"seconds": seconds / inner, "cls": cls}


def limits(text: str, job: Record) -> Record:
    """Find the observed and the five expected limits, which pyhf always does."""
    model, data = read(text)
    upper_limit = pyhf.infer.intervals.upper_limits.upper_limit
    (observed, _), seconds = timed(lambda: upper_limit(data, model), job)
    return {"seconds": seconds, "observed": float(observed)}


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
    return found | {name: version(name) for name in ("pyhf", "scipy", "numpy")}


WORKLOADS = {
    "load": load,
    "read_xml": read_xml,
    "fit": fit,
    "toys": toys,
    "hypotest": hypotest,
    "limits": limits,
}


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    text = Path(job["workspace"]).read_text(encoding="utf-8")
    logging.getLogger("pyhf").setLevel(logging.CRITICAL)  # failed toys are counted, not logged
    for _ in range(job["repeats"]):
        record = WORKLOADS[job["workload"]](text, job)
        record["peak_mb"] = peak_mb()
        print(json.dumps({**record, "versions": versions()}), flush=True)


main()
