"""From which size on something is odd."""

from dataclasses import dataclass

__all__ = ["LintThresholds"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LintThresholds:
    """Sizes above or below which rules speak up; all are relative.

    Attributes
    ----------
    large_norm : float
        Change of a sample's total yield by a systematic at one standard deviation.
    large_bin : float
        Change of one bin by a histosys, relative to the prediction of all samples there.
    same_side : float
        Both variations on one side of nominal: the smaller of the two changes of the total.
    same_side_bin : float
        The same in one bin, relative to the prediction of all samples there.
    asymmetry : float
        Ratio of the larger to the smaller change of the total.
    norm_in_shape : float
        Change of the total by a histosys.
    negligible : float
        Largest change in any bin below which a systematic does nothing of interest.
    large_statistical : float
        Statistical uncertainty of a yield.
    narrow_bounds : float
        Bounds of a constrained parameter on either side of its centre, in standard deviations.
    """

    large_norm: float = 0.5
    large_bin: float = 0.5
    same_side: float = 0.001
    same_side_bin: float = 0.01
    asymmetry: float = 10.0
    norm_in_shape: float = 0.02
    negligible: float = 0.0005
    large_statistical: float = 1.0
    narrow_bounds: float = 2.0
