"""Options that several commands have, beyond those of `with_analysis`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "alpha_option",
    "asimov_option",
    "checkpoint_option",
    "expected_set_option",
    "mu_option",
    "test_stat_option",
    "toy_options",
]

_Command = TypeVar("_Command", bound="Callable[..., Any]")

mu_option = click.option("--mu", type=float, required=True, help="Value that is tested.")

alpha_option = click.option(
    "--alpha",
    type=click.FloatRange(0.0, 1.0, min_open=True, max_open=True),
    default=0.05,
    show_default=True,
    help="CLs at which a signal is excluded.",
)

expected_set_option = click.option(
    "--expected-set", is_flag=True, help="Expected CLs too, with bands."
)

test_stat_option = click.option(
    "--test-stat",
    type=click.Choice(["qtilde", "q", "ttilde", "t"]),
    default="qtilde",
    show_default=True,
    help="Test statistic; t and ttilde are two-sided and have no CLs.",
)

asimov_option = click.option(
    "--asimov",
    type=click.Choice(["postfit", "prefit"]),
    default="postfit",
    show_default=True,
    help="Nuisance parameters of the Asimov set: fitted to the data, or nominal.",
)

checkpoint_option = click.option(
    "--checkpoint", metavar="PATH", help="Keep finished toys here, and go on from them."
)

_TOYS = (
    click.option("--n-toys", type=click.IntRange(1), default=1000, show_default=True),
    click.option("--seed", type=click.IntRange(0), default=42, show_default=True),
    click.option(
        "--aux",
        type=click.Choice(["sampled", "fixed"]),
        default="sampled",
        show_default=True,
        help="Whether auxiliary data are drawn too.",
    ),
)


def toy_options(command: _Command) -> _Command:
    """Add how many toys are drawn, from which seed, and with which auxiliary data."""
    for option in reversed(_TOYS):
        command = option(command)
    return command
