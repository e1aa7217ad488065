"""Every published workspace through fit, test, limit, ranking and report.

``python tests/pool/run.py [--only TEXT] [--output FILE]``; `nox -s pool` runs it. A step may refuse
with an error of ours, where the quantity does not exist; anything else that is raised, a warning
included, is a failure.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[1] / "parity"))

from nextstat_core import infer
from nextstat_core.errors import NextstatError
from nextstat_core.models import HistFactoryModel
from nextstat_viz import make_report
from parity_matrix.golden import Case, golden_cases

if TYPE_CHECKING:
    from collections.abc import Callable


def _outcome(result: Any) -> str:
    return "converged" if result.converged else f"not converged: {result.termination_reason}"


def _ranking(impacts: Any) -> str:
    return f"{len(impacts)} impacts" + (f", {len(impacts.failed)} failed" if impacts.failed else "")


def _report(model: HistFactoryModel, text: str) -> str:
    report = make_report(model, content=text)
    if report.failures:
        return f"{len(report.html)} bytes; said: {' | '.join(report.failures)}"
    return f"{len(report.html)} bytes"


#: What is done with each model; a step returns a line about its result.
STEPS: dict[str, Callable[[HistFactoryModel, str], str]] = {
    "fit": lambda model, _: _outcome(infer.fit(model)),
    "hypotest": lambda model, _: f"CLs(1) = {infer.hypotest(model, 1.0).cls:.5g}",
    "discovery": lambda model, _: f"Z = {infer.discovery(model).z0:.5g}",
    "limit": lambda model, _: f"limit {infer.upper_limits(model).observed:.5g}",
    "ranking": lambda model, _: _ranking(infer.impacts(model)),
    "report": _report,
}


def _attempt(step: Callable[[], str]) -> dict[str, Any]:
    """What came of a step: ``ok``, ``refused`` with our message, or ``failed`` with a traceback."""
    started = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            outcome, line = "ok", step()
    except NextstatError as error:
        outcome, line = "refused", str(error).splitlines()[0]
    except Exception:  # noqa: BLE001  whatever it is, it is a failure, and the others go on
        outcome, line = "failed", traceback.format_exc()
    return {"outcome": outcome, "line": line, "seconds": time.perf_counter() - started}


def run_case(case: Case) -> dict[str, dict[str, Any]]:
    """All steps of one workspace."""
    models: list[HistFactoryModel] = []

    def load() -> str:
        models.append(HistFactoryModel.from_workspace(case.text(), **case.arguments()))
        return repr(models[0])

    steps = {"load": _attempt(load)}
    for name, step in STEPS.items():
        if models:
            steps[name] = _attempt(lambda step=step: step(models[0], case.text()))
    return steps


def main() -> int:
    """Run all cases; 1 if something failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="cases whose name holds this text")
    parser.add_argument("--output", type=Path, help="write all outcomes as JSON")
    options = parser.parse_args()
    cases = [each for each in golden_cases() if each.is_pyhf and options.only in each.id]
    if not cases:
        print("no workspaces: set NEXTSTAT_WORKSPACES to the folder of golden.json")
        return 1
    outcomes: dict[str, Any] = {}
    counts: Counter[str] = Counter()
    for case in cases:
        outcomes[case.id] = steps = run_case(case)
        counts.update(step["outcome"] for step in steps.values())
        seconds = sum(step["seconds"] for step in steps.values())
        print(f"{case.id}  {seconds:.1f} s", flush=True)
        for name, step in steps.items():
            if step["outcome"] != "ok" or "not converged" in step["line"] or "said" in step["line"]:
                print(f"    {name} {step['outcome']}: {step['line']}", flush=True)
    print(", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())))
    if options.output is not None:
        options.output.write_text(json.dumps(outcomes, indent=2) + "\n", encoding="utf-8")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
