"""The hook; this module is what the entry point names, so it imports no array library."""

from nextstat_core.backend import Backend, BackendSpec
from nextstat_core.errors import BackendUnavailableError
from nextstat_core.hooks import hookimpl

__all__ = ["nextstat_register_backends"]


def _load(device: str | None) -> Backend:
    if device not in (None, "cpu"):
        raise BackendUnavailableError(f"the backend 'acme' has no device {device!r}; it has 'cpu'")
    from acme_backend.backend import AcmeBackend  # the only place that imports the library

    return AcmeBackend()


@hookimpl
def nextstat_register_backends() -> list[BackendSpec]:
    """The backend ``acme``."""
    return [BackendSpec(name="acme", load=_load, description="Acme on the host, float64")]
