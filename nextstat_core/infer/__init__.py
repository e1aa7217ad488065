"""Fits, toys, and everything that is built from rows of conditional fits."""

from nextstat_core.infer.batch import fit_batch
from nextstat_core.infer.cls_scan import cls_scan
from nextstat_core.infer.compatibility import channel_compatibility
from nextstat_core.infer.contours import contour
from nextstat_core.infer.feldman_cousins import feldman_cousins
from nextstat_core.infer.fit import fit, fit_minimum
from nextstat_core.infer.goodness import goodness_of_fit
from nextstat_core.infer.grouped_impacts import breakdown, grouped_impacts
from nextstat_core.infer.hypotest import discovery, hypotest
from nextstat_core.infer.hypotest_toys import hypotest_toys
from nextstat_core.infer.impacts import impacts
from nextstat_core.infer.injection import inject_signal, signal_injection
from nextstat_core.infer.input_limits import InputExclusion, InputLimit, InputLimits
from nextstat_core.infer.input_tests import InputTest, InputTests, TestedRows
from nextstat_core.infer.intervals import interval, intervals
from nextstat_core.infer.limits import upper_limits
from nextstat_core.infer.mass_scan import mass_scan
from nextstat_core.infer.nominal_tests import q0_and_gradient, qmu_and_gradient
from nextstat_core.infer.options import FitOptions
from nextstat_core.infer.scans import profile_points, profile_scan, profile_scan_2d
from nextstat_core.infer.simplify import simplified_likelihood
from nextstat_core.infer.toy_fits import fit_many, fit_toys, poisson_toys
from nextstat_core.infer.toy_limits import toy_upper_limit
from nextstat_core.infer.toys import draw_toys
from nextstat_core.infer.yields import yields

__all__ = [
    "FitOptions",
    "InputExclusion",
    "InputLimit",
    "InputLimits",
    "InputTest",
    "InputTests",
    "TestedRows",
    "breakdown",
    "channel_compatibility",
    "cls_scan",
    "contour",
    "discovery",
    "draw_toys",
    "feldman_cousins",
    "fit",
    "fit_batch",
    "fit_many",
    "fit_minimum",
    "fit_toys",
    "goodness_of_fit",
    "grouped_impacts",
    "hypotest",
    "hypotest_toys",
    "impacts",
    "inject_signal",
    "interval",
    "intervals",
    "mass_scan",
    "poisson_toys",
    "profile_points",
    "profile_scan",
    "profile_scan_2d",
    "q0_and_gradient",
    "qmu_and_gradient",
    "signal_injection",
    "simplified_likelihood",
    "toy_upper_limit",
    "upper_limits",
    "yields",
]
