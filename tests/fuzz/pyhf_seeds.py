"""Workspaces and patchsets to damage, and all that is done with them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nextstat_core.io import (
    apply_patchset,
    decode,
    encode,
    read_patchset,
    read_pyhf,
    workspace_audit,
    workspace_combine,
    workspace_digest,
    workspace_inspect,
    workspace_lint,
    workspace_prune,
    workspace_rename,
    workspace_sorted,
)
from nextstat_core.testing import generate_workspace

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["OPERATIONS", "damaged_patchset", "patchset", "seeds"]


def seeds() -> list[dict[str, Any]]:
    """Small workspaces with every modifier and every setting."""
    rich = generate_workspace(
        1,
        n_channels=2,
        n_bins=2,
        n_samples=2,
        n_normsys=1,
        n_histosys=1,
        n_coupled=1,
        staterror=True,
        shapesys=True,
        shapefactor=True,
        lumi=True,
        custom_settings=True,
    )
    chosen = generate_workspace(2, n_channels=1, n_bins=1, n_samples=2, n_normsys=1, staterror=True)
    chosen["measurements"][0]["config"]["parameters"] += [
        {"name": "staterror_channel_0", "constraint": {"type": "Poisson"}},
        {"name": "staterror_channel_0[0]", "fixed": True},
    ]
    return [rich, chosen, patchset(chosen)]


def patchset(document: dict[str, Any]) -> dict[str, Any]:
    """Two patches for a workspace."""
    value = {"name": "new", "data": [1.0], "modifiers": []}
    operations = [
        {"op": "add", "path": "/channels/0/samples/0", "value": value},
        {"op": "copy", "from": "/channels/0/samples/0/data", "path": "/channels/0/samples/1/data"},
        {"op": "move", "from": "/observations/0", "path": "/observations/-"},
        {"op": "test", "path": "/version", "value": "1.0.0"},
    ]
    return {
        "metadata": {
            "references": {"hepdata": "ins1234567"},
            "digests": {"sha256": workspace_digest(document)},
            "labels": ["mass", "model"],
            "description": "signals",
        },
        "patches": [
            {"metadata": {"name": f"m_{mass}", "values": [mass, "A"]}, "patch": operations}
            for mass in (100, 200)
        ],
        "version": "1.0.0",
    }


def _document(text: Any) -> Any:
    return decode(text).usable()


def damaged_patchset(text: Any) -> Any:
    """Use a damaged patchset in every way."""
    background = seeds()[1]
    patches = read_patchset(_document(text))
    patches.find(values=patches.patches[0].values)
    return apply_patchset(background, patches, verify=False)


def _everything(text: Any) -> Any:
    """One operation after the other, with names that the document may have."""
    document = _document(text)
    renamed = workspace_rename(document, modifiers={"mu": "mu_2"}, channels={"channel_0": "C"})
    pruned = workspace_prune(renamed, samples=["signal"], modifier_types=["normfactor"])
    combined = workspace_combine(document, renamed, join="right outer", merge_channels=True)
    return encode(workspace_sorted(combined)), encode(pruned)


#: What takes text, or decoded documents.
OPERATIONS: dict[str, Callable[[Any], Any]] = {
    "read": read_pyhf,
    "audit": lambda text: json.dumps(workspace_audit(text), allow_nan=False),
    "lint": lambda text: [str(finding) for finding in workspace_lint(text)],
    "inspect": lambda text: json.dumps(workspace_inspect(_document(text))),
    "digest": lambda text: workspace_digest(_document(text)),
    "operations": _everything,
    "self": lambda text: workspace_combine(_document(text), _document(text), join="left outer"),
    "patchset": damaged_patchset,
}
