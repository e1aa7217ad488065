"""Data of plugins' modifiers, read as types."""

from dataclasses import dataclass, field

import pytest

from nextstat_core.errors import InputError
from nextstat_core.ir import modifier_data


@dataclass(frozen=True)
class Window:
    low: float = 0.0
    high: float = 1.0


@dataclass(frozen=True)
class Settings:
    linear: tuple[float, ...]
    windows: list[Window] = field(default_factory=list)
    named: dict[str, Window] = field(default_factory=dict)


def test_json_becomes_the_type() -> None:
    data = {"linear": [1, 2.5], "windows": [{"low": 0.5}], "named": {"a": {"high": 2}}}
    expected = Settings((1.0, 2.5), [Window(0.5)], {"a": Window(high=2.0)})
    assert modifier_data(data, Settings) == expected
    assert modifier_data([1, 2], tuple[float, ...]) == (1.0, 2.0)
    assert modifier_data({"any": 1.0, "key": 2.0}, dict[str, float]) == {"any": 1.0, "key": 2.0}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            {"lienar": [1.0]},
            "`data` has the unknown key 'lienar'; expected linear, windows, named\n\n"
            "Hint: did you mean 'linear'?",
        ),
        (
            {"linear": [1.0], "windows": [{}, {"hihg": 2.0}]},
            "`data` has the unknown key 'hihg' in `windows[1]`; expected low, high\n\n"
            "Hint: did you mean 'high'?",
        ),
        (
            {"linear": [1.0], "named": {"a": {"x": 2.0}}},
            "`data` has the unknown key 'x' in `named.a`; expected low, high",
        ),
        ({"linear": 1.0}, "`data` cannot be used: Expected `array`, got `float` - at `$.linear`"),
        ({}, "`data` cannot be used: Object missing required field `linear`"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(data, message) -> None:
    with pytest.raises(InputError) as raised:
        modifier_data(data, Settings)
    assert str(raised.value) == message
