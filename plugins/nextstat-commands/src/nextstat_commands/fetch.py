"""A file from the network, within limits: only HTTP, no step back from TLS, no endless answer.

The standard library does it: one GET needs no connection pool, and its redirections are followed by
a handler of ours that checks each of them.
"""

from __future__ import annotations

from http.client import HTTPException
from typing import IO, TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from nextstat_core.errors import FormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from http.client import HTTPMessage, HTTPResponse

__all__ = ["fetch"]

#: Seconds without any byte after which a download is given up.
_TIMEOUT = 60.0
_CHUNK = 1 << 16
_HINT = "raise the limit with --max-megabytes if that is expected"


def fetch(
    url: str,
    target: IO[bytes],
    *,
    accept: str,
    most: int,
    progress: Callable[[int, int], None] | None = None,
) -> str:
    """Write what `url` answers to an open file.

    Parameters
    ----------
    url : str
        ``https://...`` or ``http://...``.
    target : binary file
    accept : str
        Media types that are asked for.
    most : int
        Bytes after which the answer is too long.
    progress : callable, optional
        Called with the bytes that are here, and those that are announced.

    Returns
    -------
    str
        Where it came from, after redirections.

    Raises
    ------
    InputError
        If the URL cannot be fetched, or its answer is too long.
    FormatError
        If the answer is shorter than announced.
    """
    _check(url, before="")
    request = Request(url, headers={"Accept": accept, "User-Agent": "nextstat"})
    try:
        with build_opener(_Redirections).open(request, timeout=_TIMEOUT) as response:
            _copy(response, target, most, progress)
            return str(response.geturl())
    except HTTPError as error:
        reason = " ".join(f"{error.code} {error.reason}".split())
        raise InputError(f"cannot download {url!r}: the server answers {reason}") from error
    except (OSError, HTTPException, ValueError) as error:
        if isinstance(error, InputError | FormatError):
            raise
        cause = error.reason if isinstance(error, URLError) else error
        raise InputError(f"cannot download {url!r}: {cause}") from error


class _Redirections(HTTPRedirectHandler):
    """Follows redirections to HTTP only, and never from TLS to plain text."""

    def redirect_request(
        self,
        req: Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> Request | None:
        _check(newurl, before=req.full_url)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check(url: str, *, before: str) -> None:
    """Refuse what is no URL for HTTP, and a redirection from TLS to plain text."""
    origin = f"{before!r} leads to {url!r}" if before else f"{url!r} is no URL for HTTP"
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise InputError(f"{origin}: {error}") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InputError(f"{origin}; expected https://... or http://...")
    if parts.scheme == "http" and before.lower().startswith("https:"):
        raise InputError(f"{origin}; expected a redirection that keeps TLS")


def _copy(
    response: HTTPResponse,
    target: IO[bytes],
    most: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    announced = response.length or 0
    if announced > most:
        raise InputError(
            f"the answer has {announced} bytes; at most {most} are allowed", hint=_HINT
        )
    done = 0
    while chunk := response.read(_CHUNK):
        done += len(chunk)
        if done > most:
            raise InputError(f"the answer has more than {most} bytes", hint=_HINT)
        target.write(chunk)
        if progress is not None:
            progress(done, max(announced, done))
    if done < announced:
        message = f"the answer ends after {done} of {announced} bytes"
        raise FormatError(message, hint="try again; the connection was interrupted")
