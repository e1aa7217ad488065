"""Cases of the golden file: published analyses and small workspaces, with reference values.

The published workspaces are not part of this repository. They are looked for in
``$NEXTSTAT_WORKSPACES``, then in ``../shared/workspaces`` beside the repository.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

__all__ = [
    "NO_WORKSPACES",
    "SHORT_REAL",
    "Case",
    "comparable",
    "golden_cases",
    "in_our_order",
    "workspaces_folder",
]

REPOSITORY = Path(__file__).parents[3]

NO_WORKSPACES = "no published workspaces: set NEXTSTAT_WORKSPACES to the folder of golden.json"

#: Every case in which ours differs from pyhf on purpose: what pyhf does, and what our refusal says.
#: (Absent parameters of interest are refused too: see the test of these.)
INTENDED_DIFFERENCES = {
    "patho/nextstat-small/bad_observations_length_mismatch": (
        "loads, every evaluation fails",
        "singlechannel.*2 expected.*1 found",
    ),
    "patho/pathological-issues/made_nan_in_sample": (
        "loads, every value is NaN",
        "SR.*sig.*bin 1.*NaN",
    ),
    "patho/pathological-issues/made_all_zero_background_bin": (
        "loads, -inf at every parameter value",
        "SR.*bin 1",
    ),
    "patho/pathological-issues/made_duplicate_modifier_same_sample": (
        "loads, the last of two modifiers wins",
        r"SR.*bkg.*'a' \(normsys\)",
    ),
}

#: Real analyses that the short form fits too: small and large, and one on which SLSQP stops early.
SHORT_REAL = {
    "real/tttt-prod",
    "real/tHu",
    "real/ttbar-ljets-xsec",
    "real/sbottom-A+sbottom_1000_131_1",
}


@dataclass(frozen=True)
class Case:
    """One entry of the golden file, with the document that it describes."""

    entry: dict[str, Any]
    folder: Path

    @property
    def id(self) -> str:
        return self.entry["id"]

    @property
    def is_pyhf(self) -> bool:
        return self.entry["format"] == "pyhf-json"

    @property
    def loads(self) -> bool:
        """Whether pyhf 0.7.6 loads it."""
        return self.entry["loads"]

    @property
    def values(self) -> dict[str, Any]:
        """Reference values with the default interpolation codes."""
        return self.entry["default"]

    def text(self) -> str:
        """The document as JSON, patches applied."""
        text = (self.folder / self.entry["file"]).read_text(encoding="utf-8")
        patches = self._patches()
        if not patches:
            return text
        jsonpatch = pytest.importorskip("jsonpatch", reason="the case needs a patch")
        document = json.loads(text)
        for patch in patches:
            document = jsonpatch.apply_patch(document, patch)
        return json.dumps(document)

    def _patches(self) -> list[Any]:
        read = [json.loads((self.folder / file).read_text()) for file in self.entry["patches"]]
        if self.entry["patchset"]:
            patchset = json.loads((self.folder / self.entry["patchset"]).read_text())
            named = {each["metadata"]["name"]: each["patch"] for each in patchset["patches"]}
            read.append(named[self.entry["patch"]])
        return read

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments of `from_pyhf` beside the text."""
        if not self.loads:
            return {}
        arguments = {"measurement": self.entry["measurement"]}
        return arguments if self.entry["poi"] else {**arguments, "poi": None}


def workspaces_folder() -> Path | None:
    """Where the golden file is, or None."""
    named = os.environ.get("NEXTSTAT_WORKSPACES")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "workspaces"
    return folder if (folder / "golden.json").is_file() else None


@cache
def golden_cases() -> tuple[Case, ...]:
    """All cases, or none where the folder is absent."""
    folder = workspaces_folder()
    if folder is None:
        return ()
    golden = json.loads((folder / "golden.json").read_text(encoding="utf-8"))
    return tuple(Case(entry, folder) for entry in golden["workspaces"])


def comparable(case: Case) -> bool:
    """Whether both load the case and ours has the values of pyhf."""
    return case.is_pyhf and case.loads and case.id not in INTENDED_DIFFERENCES


def in_our_order(model: Any, pyhf_values: list[float]) -> list[float]:
    """Values of parameters, given in pyhf's order."""
    values: list[float] = [0.0] * len(pyhf_values)
    for position, value in zip(model.pyhf_order(), pyhf_values, strict=True):
        values[position] = value
    return values
