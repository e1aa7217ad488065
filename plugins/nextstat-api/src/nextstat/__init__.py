"""The facade: one import for models, fits and inference.

>>> import nextstat
>>> nextstat.get_eval_mode()
'fast'

Names are loaded when they are first used, so that the import costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nextstat._foreign import warn_about_namesake as _warn_about_namesake

if TYPE_CHECKING:
    from nextstat._arrow import (
        from_arrow,
        from_arrow_ipc,
        from_parquet,
        from_parquet_manifest,
        from_parquet_with_modifiers,
        to_arrow,
        to_arrow_params_ipc,
        to_arrow_yields_ipc,
    )
    from nextstat._devices import has_accelerate, has_cuda, has_metal
    from nextstat._estimator import MaximumLikelihoodEstimator
    from nextstat._fit import fit, fit_batch
    from nextstat._histfactory import (
        from_histfactory_xml,
        histfactory_bin_edges_by_channel,
        read_root_histogram,
        workspace_to_xml,
    )
    from nextstat._inference import (
        cls_curve,
        discovery,
        hypotest,
        mass_scan,
        upper_limit,
        upper_limits,
        upper_limits_root,
    )
    from nextstat._model import HistFactoryModel, from_pyhf, workspace_audit
    from nextstat._profile import profile_curve, profile_scan
    from nextstat._ranking import breakdown, grouped_impacts, impacts, ranking
    from nextstat._settings import (
        get_backend,
        get_eval_mode,
        get_threads,
        set_backend,
        set_eval_mode,
        set_threads,
    )
    from nextstat._toy_tests import feldman_cousins, hypotest_toys, toy_upper_limit
    from nextstat._toys import (
        asimov_data,
        fit_toys,
        fit_toys_batch,
        fit_toys_batch_gpu,
        poisson_toys,
    )
    from nextstat._version import __version__
    from nextstat._workspaces import (
        apply_patchset,
        simplemodel_uncorrelated,
        workspace_combine,
        workspace_digest,
        workspace_inspect,
        workspace_lint,
        workspace_prune,
        workspace_rename,
        workspace_sorted,
    )
    from nextstat._yields import goodness_of_fit, simplified_likelihood, yields
    from nextstat_core.errors import (
        FitError,
        FormatError,
        InputError,
        ModelError,
        NextstatError,
        WorkerError,
    )
    from nextstat_core.infer import (
        FitOptions,
        channel_compatibility,
        contour,
        inject_signal,
        interval,
        intervals,
        profile_points,
        profile_scan_2d,
        signal_injection,
    )
    from nextstat_core.io import Finding, LintThresholds
    from nextstat_core.models import FunnelModel, GaussianMeanModel, StdNormalModel
    from nextstat_core.results import (
        Breakdown,
        ChannelCompatibility,
        ClsScan,
        Contour,
        DiscoveryResult,
        FeldmanCousins,
        FitMinimumResult,
        FitResult,
        GoodnessOfFit,
        GroupedImpacts,
        HypotestResult,
        Impacts,
        Interval,
        Intervals,
        LimitResult,
        MassScan,
        ParameterEstimate,
        ProfilePoints,
        ProfileScan,
        ProfileScan2D,
        SignalInjection,
        SimplifiedLikelihood,
        ToyHypotestResult,
        ToyLimitResult,
        ToyResults,
        Yields,
    )

__all__ = [
    "Breakdown",
    "ChannelCompatibility",
    "ClsScan",
    "Contour",
    "DiscoveryResult",
    "FeldmanCousins",
    "Finding",
    "FitError",
    "FitMinimumResult",
    "FitOptions",
    "FitResult",
    "FormatError",
    "FunnelModel",
    "GaussianMeanModel",
    "GoodnessOfFit",
    "GroupedImpacts",
    "HistFactoryModel",
    "HypotestResult",
    "Impacts",
    "InputError",
    "Interval",
    "Intervals",
    "LimitResult",
    "LintThresholds",
    "MassScan",
    "MaximumLikelihoodEstimator",
    "ModelError",
    "NextstatError",
    "ParameterEstimate",
    "ProfilePoints",
    "ProfileScan",
    "ProfileScan2D",
    "SignalInjection",
    "SimplifiedLikelihood",
    "StdNormalModel",
    "ToyHypotestResult",
    "ToyLimitResult",
    "ToyResults",
    "WorkerError",
    "Yields",
    "__version__",
    "apply_patchset",
    "asimov_data",
    "breakdown",
    "channel_compatibility",
    "cls_curve",
    "contour",
    "discovery",
    "feldman_cousins",
    "fit",
    "fit_batch",
    "fit_toys",
    "fit_toys_batch",
    "fit_toys_batch_gpu",
    "from_arrow",
    "from_arrow_ipc",
    "from_histfactory_xml",
    "from_parquet",
    "from_parquet_manifest",
    "from_parquet_with_modifiers",
    "from_pyhf",
    "get_backend",
    "get_eval_mode",
    "get_threads",
    "goodness_of_fit",
    "grouped_impacts",
    "has_accelerate",
    "has_cuda",
    "has_metal",
    "histfactory_bin_edges_by_channel",
    "hypotest",
    "hypotest_toys",
    "impacts",
    "inject_signal",
    "interval",
    "intervals",
    "mass_scan",
    "poisson_toys",
    "profile_curve",
    "profile_points",
    "profile_scan",
    "profile_scan_2d",
    "ranking",
    "read_root_histogram",
    "set_backend",
    "set_eval_mode",
    "set_threads",
    "signal_injection",
    "simplemodel_uncorrelated",
    "simplified_likelihood",
    "to_arrow",
    "to_arrow_params_ipc",
    "to_arrow_yields_ipc",
    "toy_upper_limit",
    "upper_limit",
    "upper_limits",
    "upper_limits_root",
    "workspace_audit",
    "workspace_combine",
    "workspace_digest",
    "workspace_inspect",
    "workspace_lint",
    "workspace_prune",
    "workspace_rename",
    "workspace_sorted",
    "workspace_to_xml",
    "yields",
]

#: Where each public name lives; a test compares it with the imports above.
_HOMES = {
    "nextstat._arrow": (
        "from_arrow from_arrow_ipc from_parquet from_parquet_manifest "
        "from_parquet_with_modifiers to_arrow to_arrow_params_ipc to_arrow_yields_ipc"
    ),
    "nextstat._devices": "has_accelerate has_cuda has_metal",
    "nextstat._estimator": "MaximumLikelihoodEstimator",
    "nextstat._fit": "fit fit_batch",
    "nextstat._histfactory": (
        "from_histfactory_xml histfactory_bin_edges_by_channel read_root_histogram workspace_to_xml"
    ),
    "nextstat._inference": (
        "cls_curve discovery hypotest mass_scan upper_limit upper_limits upper_limits_root"
    ),
    "nextstat._model": "HistFactoryModel from_pyhf workspace_audit",
    "nextstat._profile": "profile_curve profile_scan",
    "nextstat._ranking": "breakdown grouped_impacts impacts ranking",
    "nextstat._settings": (
        "get_backend get_eval_mode get_threads set_backend set_eval_mode set_threads"
    ),
    "nextstat._toy_tests": "feldman_cousins hypotest_toys toy_upper_limit",
    "nextstat._toys": "asimov_data fit_toys fit_toys_batch fit_toys_batch_gpu poisson_toys",
    "nextstat._version": "__version__",
    "nextstat._workspaces": (
        "apply_patchset simplemodel_uncorrelated workspace_combine workspace_digest "
        "workspace_inspect workspace_lint workspace_prune workspace_rename workspace_sorted"
    ),
    "nextstat._yields": "goodness_of_fit simplified_likelihood yields",
    "nextstat_core.errors": "FitError FormatError InputError ModelError NextstatError WorkerError",
    "nextstat_core.infer": (
        "FitOptions channel_compatibility contour inject_signal interval intervals "
        "profile_points profile_scan_2d signal_injection"
    ),
    "nextstat_core.io": "Finding LintThresholds",
    "nextstat_core.models": "FunnelModel GaussianMeanModel StdNormalModel",
    "nextstat_core.results": (
        "Breakdown ChannelCompatibility ClsScan Contour DiscoveryResult FeldmanCousins "
        "FitMinimumResult FitResult GoodnessOfFit GroupedImpacts HypotestResult Impacts "
        "Interval Intervals LimitResult MassScan ParameterEstimate ProfilePoints "
        "ProfileScan ProfileScan2D SignalInjection SimplifiedLikelihood ToyHypotestResult "
        "ToyLimitResult ToyResults Yields"
    ),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names.split():
            value = getattr(import_module(home), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


_warn_about_namesake()
