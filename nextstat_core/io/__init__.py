"""Files and formats to models and back."""

from nextstat_core.io.audit import workspace_audit
from nextstat_core.io.bulk import without_collector
from nextstat_core.io.decode import Decoded, decode
from nextstat_core.io.files import read_text
from nextstat_core.io.interpolation import InterpolationChoice
from nextstat_core.io.patches import Patch, Patchset, apply_operations, apply_patch, read_patchset
from nextstat_core.io.pyhf_json import DECLARED, Reading, read_pyhf, try_pyhf
from nextstat_core.io.write_pyhf import pyhf_document, write_pyhf

__all__ = [
    "DECLARED",
    "Decoded",
    "InterpolationChoice",
    "Patch",
    "Patchset",
    "Reading",
    "apply_operations",
    "apply_patch",
    "decode",
    "pyhf_document",
    "read_patchset",
    "read_pyhf",
    "read_text",
    "try_pyhf",
    "without_collector",
    "workspace_audit",
    "write_pyhf",
]
