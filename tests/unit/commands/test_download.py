"""Archives from a server of our own, the honest and the others."""

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from nextstat_commands import archives, fetch
from nextstat_core.errors import FormatError, InputError

Run = Callable[..., Result]

FILES = {"BkgOnly.json": b"{}", "region/patchset.json": b"[1, 2]"}


def _tar(files: dict[str, bytes], *odd: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in odd:
            archive.addfile(info)
    return buffer.getvalue()


def _zip(files: dict[str, bytes], mode: int = 0) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return buffer.getvalue()


def _info(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


class _Server(ThreadingHTTPServer):
    """Answers by path; `asked` has the headers of each request."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[Any] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"

    def serve(self, path: str, body: bytes, status: int = 200, **headers: str) -> str:
        self.answers[path] = status, {"Content-Length": str(len(body)), **headers}, body
        return self.url(path)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server: Any = self.server
        server.asked.append(self.headers)
        status, headers, body = server.answers.get(self.path, (404, {"Content-Length": "0"}, b""))
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  as in the base class
        """Say nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Server]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with _Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def _tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


ARCHIVES = {
    "tar": _tar(FILES),
    "tar.gz": gzip.compress(_tar(FILES)),
    "tar.bz2": bz2.compress(_tar(FILES)),
    "tar.xz": lzma.compress(_tar(FILES)),
    "zip": _zip(FILES),
}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_archives_are_unpacked(run: Run, server: _Server, tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "likelihoods"
    result = run("download", server.serve("/archive", ARCHIVES[kind]), folder)
    assert result.exit_code == 0, result.stderr
    assert _tree(folder) == FILES
    assert result.stdout.splitlines() == [str(folder / name) for name in FILES]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["likelihoods"]
    assert "application/x-tar" in server.asked[0]["Accept"]


def test_an_empty_folder_is_filled_and_the_archive_kept(
    run: Run, server: _Server, tmp_path: Path
) -> None:
    folder, kept = tmp_path / "folder", tmp_path / "archive.tar.gz"
    folder.mkdir()
    url = server.serve("/archive", ARCHIVES["tar.gz"])
    assert run("download", url, folder, "--keep-archive", kept).exit_code == 0
    assert _tree(folder) == FILES
    assert kept.read_bytes() == ARCHIVES["tar.gz"]
    again = run("download", url, folder)
    assert again.exit_code == 1
    assert "expected a new or empty folder" in again.stderr


def test_redirections_are_followed_and_named(run: Run, server: _Server, tmp_path: Path) -> None:
    final = server.serve("/archive", ARCHIVES["zip"])
    first = server.serve("/doi", b"", 302, Location="/archive")
    result = run("download", first, tmp_path / "out")
    assert result.exit_code == 0
    assert f"from {final}" in result.stderr


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("file:///etc/passwd", "Redirection to url 'file:///etc/passwd' is not allowed"),
        ("ftp://127.0.0.1/x", "expected https://... or http://..."),
        ("/loop", "the server answers 302"),
    ],
)
def test_redirections_elsewhere_are_refused(
    run: Run, server: _Server, tmp_path: Path, location: str, message: str
) -> None:
    url = server.serve("/loop", b"", 302, Location=location)
    result = run("download", url, tmp_path / "out")
    assert result.exit_code == 1
    assert message in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_redirection_that_gives_up_tls_is_refused() -> None:
    with pytest.raises(InputError, match="expected a redirection that keeps TLS"):
        fetch._check("http://host/a", before="https://host/a")
    fetch._check("https://host/a", before="http://host/a")


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://host/a", "archive.tar.gz", "http://", "http://[::1", ""]
)
def test_only_http_is_fetched(run: Run, tmp_path: Path, url: str) -> None:
    result = run("download", url, tmp_path / "out")
    assert result.exit_code == 1
    assert "is no URL for HTTP" in result.stderr


def test_servers_that_fail_are_reported(run: Run, server: _Server, tmp_path: Path) -> None:
    missing = run("download", server.url("/nothing"), tmp_path / "out")
    assert (missing.exit_code, "the server answers 404" in missing.stderr) == (1, True)
    port = server.server_port
    server.serve("/short", b"PK", **{"Content-Length": "1000"})
    short = run("download", server.url("/short"), tmp_path / "out")
    assert short.exit_code == 1
    assert "2 of 1000 bytes" in short.stderr or "cannot download" in short.stderr
    nobody = run("download", f"http://127.0.0.1:{port}x/", tmp_path / "out")
    assert (nobody.exit_code, "cannot download" in nobody.stderr) == (1, True)


def test_answers_that_are_too_long_are_refused(run: Run, server: _Server, tmp_path: Path) -> None:
    body = b"\0" * 1_100_000
    announced = run("download", server.serve("/a", body), tmp_path / "out", "--max-megabytes", "1")
    assert "has 1100000 bytes; at most 1000000 are allowed" in announced.stderr
    server.answers["/b"] = 200, {}, body
    endless = run("download", server.url("/b"), tmp_path / "out", "--max-megabytes", "1")
    assert "has more than 1000000 bytes" in endless.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>not found</html>", "neither a tar nor a zip archive"),
        (b"", "neither a tar nor a zip archive"),
        (ARCHIVES["tar.gz"][:-20], "damaged"),
        (gzip.compress(b"text"), "neither a tar nor a zip archive"),
        (ARCHIVES["zip"][:-10], "damaged"),
        (_tar({}), "holds no file"),
        (_zip({}), "holds no file"),
    ],
    ids=[
        "html",
        "nothing",
        "a short gzip",
        "a text",
        "a short zip",
        "an empty tar",
        "an empty zip",
    ],
)
def test_what_is_no_archive_is_refused(
    run: Run, server: _Server, tmp_path: Path, body: bytes, message: str
) -> None:
    result = run("download", server.serve("/a", body), tmp_path / "out")
    assert result.exit_code == 1
    assert message in result.stderr
    assert list(tmp_path.iterdir()) == []


HOSTILE = {
    "a path upwards": _tar({"../evil": b"x"}),
    "a path upwards inside": _tar({"a/../../evil": b"x"}),
    "an absolute path": _tar({"/tmp/evil": b"x"}),
    "a path of Windows": _tar({"C:\\evil": b"x"}),
    "a symbolic link": _tar(FILES, _info("link", tarfile.SYMTYPE, "/etc/passwd")),
    "a hard link": _tar(FILES, _info("link", tarfile.LNKTYPE, "BkgOnly.json")),
    "a device": _tar(FILES, _info("null", tarfile.CHRTYPE)),
    "a pipe": _tar(FILES, _info("pipe", tarfile.FIFOTYPE)),
    "two files of one name": _tar({"a": b"1", "./a": b"2"}),
    "a path upwards in zip": _zip({"../evil": b"x"}),
    "a link in zip": _zip({"link": b"/etc/passwd"}, stat.S_IFLNK | 0o777),
    "a nameless file": _tar({".": b"x"}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_members_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "deep" / "folder"
    folder.mkdir(parents=True)
    with pytest.raises(InputError, match="the archive holds"):
        archives.unpack(io.BytesIO(HOSTILE[name]), folder, most=1000)
    assert not list(tmp_path.rglob("evil"))
    assert not any(path.is_symlink() for path in tmp_path.rglob("*"))


def test_bombs_are_refused_before_they_are_unpacked(tmp_path: Path) -> None:
    zeros = b"\0" * 3_000_000
    for body in (gzip.compress(_tar({"zeros": zeros})), _zip({"zeros": zeros})):
        assert len(body) < 50_000
        with pytest.raises(InputError, match="holds more than 1000000 bytes"):
            archives.unpack(io.BytesIO(body), tmp_path, most=1_000_000)
    assert list(tmp_path.iterdir()) == []


def test_headers_that_declare_any_length_are_refused(tmp_path: Path) -> None:
    info = _info("long", tarfile.XHDTYPE)
    info.size = 7 << 30
    body = info.tobuf(format=tarfile.USTAR_FORMAT) + b"\0" * 1024
    with pytest.raises(InputError, match="a header of the archive declares a length of"):
        archives.unpack(io.BytesIO(body), tmp_path, most=1_000_000)


def test_padding_without_end_is_refused(tmp_path: Path) -> None:
    member = _tar({"a": b"x"})[:1024]
    other = _info("b", tarfile.REGTYPE)
    other.size = 7 << 30
    body = gzip.compress(member + other.tobuf(format=tarfile.USTAR_FORMAT))
    with pytest.raises(InputError, match="holds more than"):
        archives.unpack(io.BytesIO(body), tmp_path, most=1_000_000)


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_MOST_MEMBERS", 3)
    files = {f"f{index}": b"" for index in range(4)}
    with pytest.raises(InputError, match="more than 3 files"):
        archives.unpack(io.BytesIO(_tar(files)), tmp_path, most=1000)


def test_encrypted_members_are_refused(tmp_path: Path) -> None:
    body = bytearray(_zip({"a": b"secret"}))
    body[6] |= 1  # local header
    body[body.index(b"PK\x01\x02") + 8] |= 1  # central directory
    with pytest.raises(FormatError, match="encrypted"):
        archives.unpack(io.BytesIO(bytes(body)), tmp_path, most=1000)


def test_members_that_are_not_what_they_declare_are_refused(tmp_path: Path) -> None:
    body = bytearray(_zip({"a": b"secret" * 10}))
    body[33] ^= 0xFF  # behind 30 bytes of header and the name
    with pytest.raises(FormatError, match="the archive is damaged"):
        archives.unpack(io.BytesIO(bytes(body)), tmp_path, most=1000)
