"""Files and formats to models and back, and operations on workspaces."""

from nextstat_core.io.audit import workspace_audit
from nextstat_core.io.bulk import without_collector
from nextstat_core.io.combine import (
    JOINS,
    Join,
    shared_modifiers,
    workspace_combine,
    workspace_combine_all,
)
from nextstat_core.io.decode import Decoded, decode
from nextstat_core.io.digest import workspace_digest
from nextstat_core.io.encode import encode
from nextstat_core.io.files import read_text
from nextstat_core.io.formats import own_readers, own_writers
from nextstat_core.io.hs3 import (
    OnUnknown,
    ShapeSysValues,
    hs3_document,
    hs3_names,
    is_hs3,
    read_hs3,
    try_hs3,
    write_hs3,
)
from nextstat_core.io.inspection import workspace_inspect
from nextstat_core.io.interpolation import InterpolationChoice
from nextstat_core.io.lint import Finding, LintThresholds, lint_model, workspace_lint
from nextstat_core.io.patches import apply_operations
from nextstat_core.io.patchset import Patch, Patchset, apply_patch, apply_patchset, read_patchset
from nextstat_core.io.pyhf_json import read_pyhf, try_pyhf
from nextstat_core.io.reading import DECLARED, DeclaredPoi, Reading
from nextstat_core.io.rebuild import workspace_prune, workspace_rename, workspace_sorted
from nextstat_core.io.simple import simplemodel_uncorrelated
from nextstat_core.io.workspace import read_workspace, try_workspace
from nextstat_core.io.write_pyhf import pyhf_document, write_pyhf

__all__ = [
    "DECLARED",
    "JOINS",
    "DeclaredPoi",
    "Decoded",
    "Finding",
    "InterpolationChoice",
    "Join",
    "LintThresholds",
    "OnUnknown",
    "Patch",
    "Patchset",
    "Reading",
    "ShapeSysValues",
    "apply_operations",
    "apply_patch",
    "apply_patchset",
    "decode",
    "encode",
    "hs3_document",
    "hs3_names",
    "is_hs3",
    "lint_model",
    "own_readers",
    "own_writers",
    "pyhf_document",
    "read_hs3",
    "read_patchset",
    "read_pyhf",
    "read_text",
    "read_workspace",
    "shared_modifiers",
    "simplemodel_uncorrelated",
    "try_hs3",
    "try_pyhf",
    "try_workspace",
    "without_collector",
    "workspace_audit",
    "workspace_combine",
    "workspace_combine_all",
    "workspace_digest",
    "workspace_inspect",
    "workspace_lint",
    "workspace_prune",
    "workspace_rename",
    "workspace_sorted",
    "write_hs3",
    "write_pyhf",
]
