"""What the page for authors of backends shows of PyTorch passes the contract too."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from nextstat_core.backend import Backend, Capability
from nextstat_core.testing import BackendContract

torch = pytest.importorskip("torch", reason="the page shows PyTorch")

import array_api_compat.torch as xp  # noqa: E402

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "write-a-backend.md"


def _shown() -> dict[str, Any]:
    """The methods that the page shows for PyTorch."""
    blocks = re.findall(r"^```py\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    names: dict[str, Any] = {"torch": torch}
    for block in blocks:
        if "torch." in block and "class " not in block and "hookimpl" not in block:
            exec(block, names)
    return {name: names[name] for name in ("asarray", "spd_factor", "lower_solve", "spd_solve")}


class Shown(Backend):
    """What a reader of the page ends up with."""

    name = "shown"
    xp = xp
    device = torch.device("cpu")

    def __init__(self, dtype: str) -> None:
        self.dtype = getattr(torch, dtype)
        self.capabilities = Capability.FLOAT64 if dtype == "float64" else Capability.NONE

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return Shown, (str(self.dtype).removeprefix("torch."),)

    def to_numpy(self, x: Any) -> Any:
        return x.detach().cpu().numpy()


for _name, _method in _shown().items():
    setattr(Shown, _name, _method)


class TestShownInFloat64(BackendContract):
    @pytest.fixture
    def backend(self) -> Backend:
        return Shown("float64")


class TestShownInFloat32(BackendContract):
    @pytest.fixture
    def backend(self) -> Backend:
        return Shown("float32")
