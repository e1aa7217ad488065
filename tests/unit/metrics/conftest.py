"""A small model with its fit, and the check of a document against the schema."""

from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from nextstat_core.infer import fit
from nextstat_core.metrics import metrics_schema
from nextstat_core.models import HistFactoryModel
from nextstat_core.results import FitResult
from nextstat_core.testing import uncorrelated


@pytest.fixture(scope="session")
def model() -> HistFactoryModel:
    document = uncorrelated([12.0, 11.0], [50.0, 52.0], [3.0, 7.0], [61.0, 58.0])
    return HistFactoryModel.from_pyhf(document)


@pytest.fixture(scope="session")
def fitted(model: HistFactoryModel) -> FitResult:
    return fit(model)


@pytest.fixture(scope="session")
def valid() -> Callable[[dict[str, Any]], dict[str, Any]]:
    schema = metrics_schema()
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)

    def check(document: dict[str, Any]) -> dict[str, Any]:
        validator.validate(document)
        return document

    return check
