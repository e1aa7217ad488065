"""The conformance kit on our own plugins."""

from nextstat_core.testing import PluginContract


class TestNumpyPlugin(PluginContract):
    entry_point = "numpy"
