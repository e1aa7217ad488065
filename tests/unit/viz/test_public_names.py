from __future__ import annotations

import pkgutil

import nextstat_viz


def test_no_module_hides_a_public_name() -> None:
    # Names are loaded on first use; a module of the same name would take their place.
    modules = {module.name for module in pkgutil.iter_modules(nextstat_viz.__path__)}
    assert modules & set(nextstat_viz.__all__) == set()
