"""A warning where the distribution of other authors that is called `nextstat` is installed too."""

import warnings
from importlib.metadata import PackageNotFoundError, version

__all__ = ["warn_about_namesake"]


def warn_about_namesake() -> None:
    """Warn if another distribution brings a package of the same name.

    Both write into one folder `nextstat`, so which files are found depends on who came last.
    """
    try:
        found = version("nextstat")
    except PackageNotFoundError:
        return
    warnings.warn(
        f"the distribution 'nextstat' {found} of other authors is installed in this environment; "
        "it brings a package of the same name, and its files may hide those of 'nextstat-api'\n\n"
        "Hint: python -m pip uninstall nextstat nextstat-api, then install nextstat-api again",
        RuntimeWarning,
        stacklevel=3,
    )
