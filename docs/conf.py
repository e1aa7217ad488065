"""Settings of the documentation site: ``python -m sphinx -W -n docs build/docs``."""

import sys
from importlib.metadata import version as _version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "nextstat"
author = "The nextstat developers"
project_copyright = author
version = release = _version_of("nextstat-core")

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",
    "external_links",
    "outside_links",
    "public_names",
]
root_doc = "index"
exclude_patterns = ["_extensions", "requirements.txt"]

# Markdown as forges show it: formulas between dollars, links to headings by their slugs.
myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 4

# Names in single backticks are links where something has that name, and code where nothing has.
default_role = "name"
add_module_names = False
maximum_signature_line_length = 88
autodoc_default_options = {
    "members": True,  # those in __all__
    "imported-members": True,
    "undoc-members": True,
}
autodoc_member_order = "groupwise"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
numpydoc_class_members_toctree = False
numpydoc_show_class_members = False  # autodoc lists them, with what they do

nitpick_ignore_regex = [
    # Of libraries that are not documented here; an inventory of theirs would have to be fetched.
    (
        r"py:.*",
        r"(np|numpy|NDArray|collections|enum|importlib|os|pa|pathlib|types|typing)(\..*)?",
    ),
    (r"py:.*", r"(AbstractContextManager|EntryPoint|Executor|mmap|Path|PathLike)"),
    # Classes that a signature mentions, but nobody makes or receives by name.
    (
        r"py:class",
        r"(.*\.)?(AsimovKind|AsymptoticTest|BackendChoice|BatchData|CovarianceSource|ExclusionRows|FailedToy|FloatArray|Request|RowLikelihood|TestStatistic)",
    ),
    # Words that an argument may be, which its docstring lists.
    (r"py:class", r"(.*\.)?(GroupMethod|ImpactConvention|NormalisationsCount)"),
    # A type that is documented as data.
    (r"py:class", r"(.*\.)?InputKey"),
    (r"py:class", r"(.*\.)?(LocalPlan|RatePlan|Rates|_\w+)"),
]

html_theme = "furo"
html_title = f"nextstat {release}"
html_copy_source = False
html_show_sourcelink = False
