"""Training sets for surrogates of a likelihood, and a surrogate that knows its errors.

Names are loaded when they are first used. PyTorch, pyarrow and ONNX are imported by the functions
that need them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextstat_distill.bounds import bounds_around, default_bounds
    from nextstat_distill.dataset import SurrogateDataset, to_numpy, to_torch_dataset
    from nextstat_distill.export import to_onnx
    from nextstat_distill.files import from_npz, to_npz, to_parquet
    from nextstat_distill.generation import generate_dataset
    from nextstat_distill.report import OutsideBoundsWarning, SurrogateReport
    from nextstat_distill.sampling import METHODS, draw
    from nextstat_distill.training import predict_nll, train_mlp_surrogate

__all__ = [
    "METHODS",
    "OutsideBoundsWarning",
    "SurrogateDataset",
    "SurrogateReport",
    "bounds_around",
    "default_bounds",
    "draw",
    "from_npz",
    "generate_dataset",
    "predict_nll",
    "to_npz",
    "to_numpy",
    "to_onnx",
    "to_parquet",
    "to_torch_dataset",
    "train_mlp_surrogate",
]

#: Where each public name lives.
_HOMES = {
    "nextstat_distill.bounds": "bounds_around default_bounds",
    "nextstat_distill.dataset": "SurrogateDataset to_numpy to_torch_dataset",
    "nextstat_distill.export": "to_onnx",
    "nextstat_distill.files": "from_npz to_npz to_parquet",
    "nextstat_distill.generation": "generate_dataset",
    "nextstat_distill.report": "OutsideBoundsWarning SurrogateReport",
    "nextstat_distill.sampling": "METHODS draw",
    "nextstat_distill.training": "predict_nll train_mlp_surrogate",
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names.split():
            value = globals()[name] = getattr(import_module(home), name)
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
