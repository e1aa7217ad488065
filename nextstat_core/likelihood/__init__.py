"""Model and backend to likelihood, gradient and Hessian."""

from nextstat_core.likelihood.compiled import CompiledModel, Evaluation, compile_model
from nextstat_core.likelihood.layout import Layout
from nextstat_core.likelihood.observations import Observations
from nextstat_core.likelihood.profile import Movable

__all__ = [
    "CompiledModel",
    "Evaluation",
    "Layout",
    "Movable",
    "Observations",
    "compile_model",
]
