"""`__all__` of every module says what is public, and nothing else is."""

import ast
import importlib

#: Libraries that only machines with their hardware have.
HARDWARE = {"cupy", "cupyx"}


def _declared(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(each, ast.Name) and each.id == "__all__" for each in targets):
            return list(ast.literal_eval(node.value))
    return None


def _defined(tree: ast.Module) -> set[str]:
    """Public names that a module itself defines at its top level."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names.update(each.id for each in targets if isinstance(each, ast.Name))
    return {name for name in names if not name.startswith("_")}


def _gathered(module) -> set[str]:
    """Public names that a package takes from its own modules, or the facade from the core."""
    own = {module.name.split(".")[0], "nextstat_core"}
    return {
        imported.bound
        for imported in module.imports
        if imported.module.split(".")[0] in own
        and not imported.for_types
        and not imported.bound.startswith("_")
    }


def _is_stub(module) -> bool:
    """Whether a module of the facade hands on all names of a plugin."""
    return any(imported.name == "*" for imported in module.imports)


def _is_script(module) -> bool:
    """Whether a module is run, not imported: it has no names for others."""
    return module.path.name == "__main__.py"


def _every(core, plugins):
    modules = [*core, *(module for each in plugins.values() for module in each)]
    return [module for module in modules if not (_is_stub(module) or _is_script(module))]


def test_every_module_has_all(core, plugins) -> None:
    without = [str(each) for each in _every(core, plugins) if _declared(each.tree) is None]
    assert without == []


def test_all_is_what_a_module_defines(core, plugins) -> None:
    wrong = {}
    for module in _every(core, plugins):
        declared = set(_declared(module.tree) or ())
        public = _defined(module.tree)
        if module.is_package:
            public |= _gathered(module)
        missing = public - declared
        if missing:
            wrong[str(module)] = sorted(missing)
    assert wrong == {}


def test_names_in_all_can_be_imported_and_are_listed_once(core, plugins) -> None:
    wrong = {}
    for module in _every(core, plugins):
        declared = _declared(module.tree) or []
        try:
            imported = importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            if error.name not in HARDWARE:
                raise
            continue
        absent = [name for name in declared if not hasattr(imported, name)]
        if absent or len(set(declared)) < len(declared):
            wrong[str(module)] = absent or "a name is listed twice"
    assert wrong == {}


def test_packages_hold_only_docstring_imports_and_all(core) -> None:
    def belongs(node: ast.stmt) -> bool:
        if isinstance(node, ast.If):
            return all(map(belongs, node.body)) and not node.orelse
        if isinstance(node, ast.Assign | ast.AnnAssign):
            return "__" in ast.unparse(node).split("=")[0]
        return isinstance(node, ast.Import | ast.ImportFrom | ast.Expr)

    wrong = [
        f"{module.path}:{node.lineno}"
        for module in core
        if module.is_package
        for node in module.tree.body
        if not belongs(node)
    ]
    assert wrong == []
