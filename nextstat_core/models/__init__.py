"""Models: the contract that inference needs, HistFactory, and simple ones with closed forms."""

from nextstat_core.models.contract import ModelWithHessian, StatisticalModel
from nextstat_core.models.histfactory import HistFactoryModel
from nextstat_core.models.inputs import InputRows, ModelInputs
from nextstat_core.models.main_data import MainBins
from nextstat_core.models.parameters import parameter_vector
from nextstat_core.models.simple import FunnelModel, GaussianMeanModel, StdNormalModel
from nextstat_core.models.sources import document_of

__all__ = [
    "FunnelModel",
    "GaussianMeanModel",
    "HistFactoryModel",
    "InputRows",
    "MainBins",
    "ModelInputs",
    "ModelWithHessian",
    "StatisticalModel",
    "StdNormalModel",
    "document_of",
    "parameter_vector",
]
