"""The conformance kit on our own models."""

import pytest

from nextstat_core.models import (
    FunnelModel,
    GaussianMeanModel,
    HistFactoryModel,
    StatisticalModel,
    StdNormalModel,
)
from nextstat_core.testing import ModelContract, generate_workspace


class TestGaussianMean(ModelContract):
    @pytest.fixture
    def model(self) -> StatisticalModel:
        return GaussianMeanModel([1.0, 2.0, 4.0, 7.0], sigma=2.0)


class TestStdNormal(ModelContract):
    @pytest.fixture
    def model(self) -> StatisticalModel:
        return StdNormalModel(3)


class TestFunnel(ModelContract):
    @pytest.fixture
    def model(self) -> StatisticalModel:
        return FunnelModel(3)


class TestHistFactory(ModelContract):
    @pytest.fixture
    def model(self) -> StatisticalModel:
        return HistFactoryModel.from_workspace(
            generate_workspace(
                7, n_normsys=2, n_histosys=2, staterror=True, lumi=True, custom_settings=True
            )
        )
