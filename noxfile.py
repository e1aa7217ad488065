"""All routine work in one place: ``nox -s dev | lint | types | tests | parity | bench | docs``."""

import nox

nox.options.sessions = ["lint", "types", "tests"]
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = False  # use the versions of Python that are there

SUPPORTED = ["3.11", "3.12", "3.13", "3.14"]


def _install(session: nox.Session) -> None:
    """Everything, editable; one pip command, so that our distributions find each other."""
    session.install("-r", "requirements-dev.txt")


@nox.session
def dev(session: nox.Session) -> None:
    """Make a virtual environment for development in `.venv`, or in the folder that is given."""
    folder = session.posargs[0] if session.posargs else ".venv"
    session.install("virtualenv")
    session.run("virtualenv", folder, silent=True)
    session.run(
        f"{folder}/bin/python", "-m", "pip", "install", "-r", "requirements-dev.txt", external=True
    )


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format; `nox -s lint -- --fix` mends what can be mended."""
    session.install("ruff>=0.14")
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", *([] if "--fix" in session.posargs else ["--check"]))


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    _install(session)
    session.run("mypy", *session.posargs)


@nox.session(python=SUPPORTED)
def tests(session: nox.Session) -> None:
    """Run the tests on one version of Python: `nox -s tests-3.13 -- tests/unit`."""
    _install(session)
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(python=SUPPORTED)
def parity(session: nox.Session) -> None:
    """Compare with pyhf in the long form, on every version of Python that is installed."""
    _install(session)
    session.run("python", "-m", "pytest", "tests/parity", "--long", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Compare times with peers, then measure growth: `-- RUN-OPTIONS -- GROWTH-OPTIONS`."""
    _install(session)
    peers, growth = _halves(session.posargs)
    session.run("python", "tests/benchmarks/run.py", *peers)
    session.run("python", "tests/benchmarks/growth.py", *growth)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation site in build/docs; `-- --fetch` also asks other sites' links."""
    _install(session)
    session.install("-r", "docs/requirements.txt")
    build = ("python", "-m", "sphinx", "-E", "-W", "-n")
    session.run(*build, "docs", "build/docs")
    if "--fetch" in session.posargs:
        session.run(*build, "-b", "linkcheck", "docs", "build/links")


def _halves(arguments: list[str]) -> tuple[list[str], list[str]]:
    """What stands before and after the first ``--``."""
    if "--" not in arguments:
        return arguments, []
    cut = arguments.index("--")
    return arguments[:cut], arguments[cut + 1 :]
