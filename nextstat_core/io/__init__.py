"""Files and formats to models and back."""

from nextstat_core.io.audit import workspace_audit
from nextstat_core.io.bulk import without_collector
from nextstat_core.io.decode import Decoded, decode
from nextstat_core.io.files import read_text
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
from nextstat_core.io.interpolation import InterpolationChoice
from nextstat_core.io.patches import Patch, Patchset, apply_operations, apply_patch, read_patchset
from nextstat_core.io.pyhf_json import read_pyhf, try_pyhf
from nextstat_core.io.reading import DECLARED, DeclaredPoi, Reading
from nextstat_core.io.workspace import read_workspace, try_workspace
from nextstat_core.io.write_pyhf import pyhf_document, write_pyhf

__all__ = [
    "DECLARED",
    "DeclaredPoi",
    "Decoded",
    "InterpolationChoice",
    "OnUnknown",
    "Patch",
    "Patchset",
    "Reading",
    "ShapeSysValues",
    "apply_operations",
    "apply_patch",
    "decode",
    "hs3_document",
    "hs3_names",
    "is_hs3",
    "pyhf_document",
    "read_hs3",
    "read_patchset",
    "read_pyhf",
    "read_text",
    "read_workspace",
    "try_hs3",
    "try_pyhf",
    "try_workspace",
    "without_collector",
    "workspace_audit",
    "write_hs3",
    "write_pyhf",
]
