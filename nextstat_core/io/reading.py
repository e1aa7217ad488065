"""What reading a document gives, whatever its format."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeAlias

from nextstat_core.errors import ModelError, Problem
from nextstat_core.ir import Model

__all__ = ["DECLARED", "DeclaredPoi", "Reading"]


class _Declared(Enum):
    DECLARED = "declared"


#: The parameter of interest that the document declares.
DECLARED: Final = _Declared.DECLARED
DeclaredPoi: TypeAlias = _Declared


@dataclass(slots=True)
class Reading:
    """Outcome of reading a document: a model, or the problems because of which there is none."""

    model: Model | None = None
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def usable(self) -> Model:
        """The model.

        Raises
        ------
        ModelError
            If there is none; lists all problems.
        """
        if self.model is None:
            raise ModelError(self.problems)
        return self.model
