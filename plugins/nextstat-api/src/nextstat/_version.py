"""The version of the facade, which is that of its distribution."""

from importlib.metadata import version
from typing import Final

__all__ = ["__version__"]

__version__: Final = version("nextstat-api")
