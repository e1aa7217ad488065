"""Who may import whom."""

import sys

BASE = {"errors", "typing"}
HOOKS = BASE | {"hooks"}
BACKEND = HOOKS | {"backend"}
IR = BASE | {"ir"}
IO = IR | {"io", "hooks"}
STATS = BACKEND | IR | {"stats"}
LINALG = BACKEND | {"linalg"}
LIKELIHOOD = STATS | LINALG | {"likelihood"}
OPTIMIZE = LINALG | {"optimize"}
RESULTS = OPTIMIZE | LIKELIHOOD | {"results", "tables"}
MODELS = RESULTS | IO | {"models"}
INFER = MODELS | {"infer"}
METRICS = RESULTS | {"metrics"}

#: What each layer may import of the core, itself included.
ALLOWED = {
    "errors": {"errors"},
    "typing": {"typing"},
    "tables": {"tables"},
    "hooks": HOOKS,
    "backend": BACKEND,
    "ir": IR,
    "io": IO,
    "stats": STATS,
    "linalg": LINALG,
    "likelihood": LIKELIHOOD,
    "optimize": OPTIMIZE,
    "results": RESULTS,
    "metrics": METRICS,
    "models": MODELS,
    "infer": INFER,
    "testing": INFER | {"testing"},
}

#: Modules of the facade that are not called like their plugin: `nextstat.ranking` is a function.
STUBS = {"nextstat_ranking": "nextstat.interpret"}

ARRAY_LIBRARIES = {
    *("numpy", "scipy", "torch", "cupy", "jax", "mlx", "tensorflow", "pandas"),
    *("array_api_compat", "array_api_strict", "array_api_extra"),
}
ARRAY_FREE = {"ir", "stats", "linalg", "likelihood", "optimize"}
#: How modules of `likelihood` are called that build index plans on the host, once per model.
HOST_PLANS = ("plan.py", "layout.py")


def _core_layer(imported) -> str:
    """Layer of nextstat_core that an import reaches, or the empty string."""
    parts = [*imported.module.split("."), imported.name]
    return parts[1] if parts[0] == "nextstat_core" and parts[1] in ALLOWED else ""


def test_every_module_of_the_core_belongs_to_a_layer(core) -> None:
    assert {module.layer for module in core} - {""} <= ALLOWED.keys()


def test_layers_import_only_layers_below(core) -> None:
    wrong = [
        f"{module.path}:{imported.line} imports {layer}"
        for module in core
        if module.layer
        for imported in module.imports
        if (layer := _core_layer(imported))
        and layer not in ALLOWED[module.layer]
        # Hooks take and return the dataclasses of layers above, in annotations only.
        and not (module.layer == "hooks" and imported.for_types)
    ]
    assert wrong == []


def test_engine_imports_no_array_library(core) -> None:
    wrong = [
        f"{module.path}:{imported.line} imports {imported.module}"
        for module in core
        if module.layer in ARRAY_FREE
        for imported in module.imports
        if imported.module.split(".")[0] in ARRAY_LIBRARIES
        and not imported.for_types
        and not (
            module.layer == "likelihood"
            and module.path.name.endswith(HOST_PLANS)
            and imported.module.split(".")[0] == "numpy"
        )
    ]
    assert wrong == []


def test_core_imports_no_plugin(core, plugins) -> None:
    wrong = [
        f"{module.path}:{imported.line} imports {imported.module}"
        for module in core
        for imported in module.imports
        if imported.module.split(".")[0] in plugins
    ]
    assert wrong == []


def test_plugins_import_only_public_names_of_the_core(plugins) -> None:
    wrong = [
        f"{module.path}:{imported.line} imports {imported.module} {imported.name}"
        for modules in plugins.values()
        for module in modules
        for imported in module.imports
        if imported.module.split(".")[0] == "nextstat_core"
        and imported.name != "__version__"
        and any(part.startswith("_") for part in [*imported.module.split("."), imported.name])
    ]
    assert wrong == []


def test_plugins_import_no_other_plugin(plugins) -> None:
    wrong = [
        f"{module.path}:{imported.line} imports {imported.module}"
        for package, modules in plugins.items()
        for module in modules
        for imported in module.imports
        if (top := imported.module.split(".")[0]) in plugins
        and top != package
        # The facade has one module per plugin that hands on its public names.
        and module.name != STUBS.get(top, top.replace("_", ".", 1))
    ]
    assert wrong == []


def test_imports_are_absolute_and_known(core) -> None:
    known = {"nextstat_core", "numpy", "pluggy", "array_api_compat", "msgspec"}
    lazy = {"jsonpatch", "scipy", "rich", "pandas", "matplotlib", "pytest", "array_api_strict"}
    foreign = {
        imported.module.split(".")[0]
        for module in core
        for imported in module.imports
        if not imported.for_types
    }
    assert foreign - known - lazy - set(sys.stdlib_module_names) == set()
