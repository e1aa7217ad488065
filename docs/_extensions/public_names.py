"""Leads names in docstrings and signatures to where they are documented.

Signatures name classes by their last name, because annotations are not evaluated: what they name is
often imported for type checkers only. A class is documented in the package that exports it, and
once more in the facade.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform

if TYPE_CHECKING:
    from collections.abc import Mapping

    from docutils.parsers.rst.states import Inliner
    from sphinx.application import Sphinx

__all__ = ["setup"]

_FACADE = "nextstat"
_MEMBERS = {"attribute", "method", "property"}


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    app.add_role("name", _name)
    app.add_post_transform(_PublicNames)
    app.connect("builder-inited", _give_classes_their_public_home)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _name(
    role: str, rawtext: str, text: str, lineno: int, inliner: Inliner, *_: Any
) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    """A name in single backticks: a link if it is one of ours, code if not."""
    del role, rawtext, lineno, inliner
    code = nodes.literal(text, text)
    return [addnodes.pending_xref("", code, refdomain="", reftype="name", reftarget=text)], []


class _PublicNames(SphinxPostTransform):
    """Completes the targets of references before Sphinx resolves them."""

    default_priority = 5

    def run(self, **kwargs: Any) -> None:
        documented = self.env.domains.python_domain.objects
        for node in list(self.document.findall(addnodes.pending_xref)):
            in_text = node["reftype"] == "name"
            if not in_text and node.get("refdomain") != "py":
                continue
            full = _full_name(node["reftarget"], documented)
            if full:
                node["refdomain"], node["reftype"], node["reftarget"] = "py", "obj", full
                node["refspecific"] = False
            elif in_text:
                node.replace_self(node.children)


def _full_name(target: str, documented: Mapping[str, Any]) -> str | None:
    if target in documented:
        return target
    found = [
        full
        for full, entry in documented.items()
        # A word such as `data` is an argument more often than somebody's attribute.
        if full.endswith(f".{target}") and ("." in target or entry.objtype not in _MEMBERS)
    ]
    # The core explains what the facade hands on.
    return min(found, key=lambda full: (full.startswith(f"{_FACADE}."), len(full)), default=None)


def _give_classes_their_public_home(app: Sphinx) -> None:
    """Let one class under two names count as one object."""
    del app
    facade = import_module(_FACADE)
    for name in facade.__all__:
        value = getattr(facade, name)
        package = ".".join(getattr(value, "__module__", "").split(".")[:2])
        if isinstance(value, type) and package.startswith("nextstat_core."):
            value.__module__ = package
