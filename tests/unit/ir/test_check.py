from dataclasses import replace

from nextstat_core.ir import Channel, PluginModifier, Sample, check_channels
from nextstat_core.ir.check import structural_zeros

Channels = tuple[Channel, ...]


def test_a_usable_model_has_no_problems(channels: Channels) -> None:
    assert check_channels(channels) == []


def test_a_sum_that_overflows_is_no_problem() -> None:
    sample = Sample("s", (1.7e308, 1.7e308), ())
    assert check_channels((Channel("SR", (sample,), (1.0, 1.0)),)) == []


def test_a_channel_without_samples_is_a_problem() -> None:
    (problem,) = check_channels((Channel("SR", (), (1.0,)),))
    assert str(problem) == "channel 'SR': has no samples; expected at least one"


def test_bins_are_counted_from_the_first_sample(channels: Channels) -> None:
    signal, *others = channels[0].samples
    shorter = replace(channels[0], samples=(replace(signal, nominal=(4.0,)), *others))
    messages = [str(problem) for problem in check_channels((shorter,))]
    assert messages[0].startswith("channel 'SR', sample 'background': wrong number of bins: 1 exp")


def test_a_plugins_modifier_may_fill_an_empty_bin() -> None:
    empty = Channel("SR", (Sample("s", (0.0, 1.0), ()),), (3.0, 1.0))
    assert structural_zeros(empty) == [0]
    modifiers = (PluginModifier("tilt", "tilt", ("tilt",)),)
    filled = replace(empty, samples=(replace(empty.samples[0], modifiers=modifiers),))
    assert structural_zeros(filled) == []
