"""Models in the HEP Statistics Serialization Standard (HS3)."""

from nextstat_core.io.hs3.dialects import ShapeSysValues, is_hs3
from nextstat_core.io.hs3.names import hs3_names
from nextstat_core.io.hs3.outline import outline
from nextstat_core.io.hs3.read import OnUnknown, read_hs3, try_hs3
from nextstat_core.io.hs3.write import hs3_document, write_hs3

__all__ = [
    "OnUnknown",
    "ShapeSysValues",
    "hs3_document",
    "hs3_names",
    "is_hs3",
    "outline",
    "read_hs3",
    "try_hs3",
    "write_hs3",
]
