"""The conformance kit, and generated workspaces with known behaviour."""

from importlib.util import find_spec

from nextstat_core.testing.draws import Draws
from nextstat_core.testing.families import (
    coupled_histosys,
    degenerate_pair,
    growth,
    many_channels,
    negative_rates,
    one_sided_bin,
    uncertain_signal,
    uncorrelated,
    unidentified_pair,
)
from nextstat_core.testing.recipe import Recipe, Workspace
from nextstat_core.testing.strict import StrictBackend
from nextstat_core.testing.workspaces import generate_workspace

# Generated workspaces serve benchmarks too, where no pytest need be installed.
if find_spec("pytest") is not None:
    import pytest

    # Before the import: only then do failures inside the contracts show both numbers.
    pytest.register_assert_rewrite(
        "nextstat_core.testing.backend_algebra",
        "nextstat_core.testing.backend_arrays",
        "nextstat_core.testing.backend_behaviour",
        "nextstat_core.testing.backend_checks",
        "nextstat_core.testing.backend_engine",
        "nextstat_core.testing.curve_values",
        "nextstat_core.testing.model_contract",
        "nextstat_core.testing.modifier_checks",
        "nextstat_core.testing.modifier_contract",
        "nextstat_core.testing.modifier_curves",
        "nextstat_core.testing.plugin_contract",
    )

    from nextstat_core.testing.backend_contract import BackendContract
    from nextstat_core.testing.model_contract import ModelContract
    from nextstat_core.testing.modifier_contract import ModifierContract
    from nextstat_core.testing.plugin_contract import PluginContract

__all__ = [
    "BackendContract",
    "Draws",
    "ModelContract",
    "ModifierContract",
    "PluginContract",
    "Recipe",
    "StrictBackend",
    "Workspace",
    "coupled_histosys",
    "degenerate_pair",
    "generate_workspace",
    "growth",
    "many_channels",
    "negative_rates",
    "one_sided_bin",
    "uncertain_signal",
    "uncorrelated",
    "unidentified_pair",
]
