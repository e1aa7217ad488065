"""The error where a plugin of the facade is not installed."""

__all__ = ["missing_plugin"]


def missing_plugin(name: str, error: ModuleNotFoundError, plugin: str = "") -> ModuleNotFoundError:
    """The error to raise in ``nextstat.NAME``: with the remedy if the plugin is missing.

    Parameters
    ----------
    name : str
        Name of the module of the facade.
    error : ModuleNotFoundError
        What the import of the plugin raised; returned as it is where something else is missing.
    plugin : str
        The plugin, where it is not ``nextstat-NAME``: its name after the hyphen.
    """
    plugin = plugin or name
    package = f"nextstat_{plugin}"
    if error.name != package:
        return error
    message = (
        f"nextstat.{name} needs the plugin nextstat-{plugin}, which is not installed\n\n"
        f"Hint: python -m pip install nextstat-{plugin}"
    )
    return ModuleNotFoundError(message, name=package)
