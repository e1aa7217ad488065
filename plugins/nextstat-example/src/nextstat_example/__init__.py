"""A complete plugin of nextstat to copy from."""

from nextstat_example.coupling import Coefficients, Coupling, Quadratic

__all__ = ["Coefficients", "Coupling", "Quadratic"]
