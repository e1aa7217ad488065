"""The model as plain frozen data."""

from nextstat_core.ir.check import check_channels
from nextstat_core.ir.codec import model_from_dict, model_to_dict
from nextstat_core.ir.decorrelate import channels_of, decorrelate
from nextstat_core.ir.derive import (
    Derived,
    derive_parameters,
    with_auxiliary,
    with_nominal,
    with_observed,
)
from nextstat_core.ir.extension import ModifierType, modifier_data
from nextstat_core.ir.modifiers import (
    HistoSys,
    Interpolation,
    Lumi,
    Modifier,
    NormFactor,
    NormSys,
    PluginModifier,
    ShapeFactor,
    ShapeSys,
    StatError,
)
from nextstat_core.ir.nodes import (
    AffineResponse,
    Channel,
    Constraint,
    ConstraintChoice,
    ConstraintKind,
    GaussianConstraint,
    LogNormalResponse,
    Model,
    Parameter,
    ParameterSettings,
    PoissonConstraint,
    Response,
    Sample,
)
from nextstat_core.ir.order import pyhf_auxdata_order, pyhf_parameter_order
from nextstat_core.ir.restrict import with_channels
from nextstat_core.ir.settings import settings_of_component
from nextstat_core.ir.terms import CellAddition, CellFactor, Curve, Family, RowFactor, Term

__all__ = [
    "AffineResponse",
    "CellAddition",
    "CellFactor",
    "Channel",
    "Constraint",
    "ConstraintChoice",
    "ConstraintKind",
    "Curve",
    "Derived",
    "Family",
    "GaussianConstraint",
    "HistoSys",
    "Interpolation",
    "LogNormalResponse",
    "Lumi",
    "Model",
    "Modifier",
    "ModifierType",
    "NormFactor",
    "NormSys",
    "Parameter",
    "ParameterSettings",
    "PluginModifier",
    "PoissonConstraint",
    "Response",
    "RowFactor",
    "Sample",
    "ShapeFactor",
    "ShapeSys",
    "StatError",
    "Term",
    "channels_of",
    "check_channels",
    "decorrelate",
    "derive_parameters",
    "model_from_dict",
    "model_to_dict",
    "modifier_data",
    "pyhf_auxdata_order",
    "pyhf_parameter_order",
    "settings_of_component",
    "with_auxiliary",
    "with_channels",
    "with_nominal",
    "with_observed",
]
