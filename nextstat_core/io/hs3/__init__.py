"""Models in the HEP Statistics Serialization Standard (HS3)."""

from nextstat_core.io.hs3.dialects import ShapeSysValues, is_hs3
from nextstat_core.io.hs3.outline import outline
from nextstat_core.io.hs3.read import OnUnknown, read_hs3, try_hs3

__all__ = ["OnUnknown", "ShapeSysValues", "is_hs3", "outline", "read_hs3", "try_hs3"]
