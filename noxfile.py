"""All routine work in one place; ``nox -l`` lists the sessions."""

from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "tests"]
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = False  # use the versions of Python that are there

SUPPORTED = ["3.11", "3.12", "3.13", "3.14"]
#: Tests run side by side; libraries that each take all cores would stand in each other's way.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


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
def hooks(session: nox.Session) -> None:
    """Run the hooks of pre-commit on all files; they mend what they can, and fail if they did."""
    _install(session)
    session.run("pre-commit", "run", "--all-files", "--show-diff-on-failure", *session.posargs)


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    _install(session)
    session.run("mypy", *session.posargs)


@nox.session(python=SUPPORTED)
def tests(session: nox.Session) -> None:
    """Run the tests on one version of Python: `nox -s tests-3.13 -- tests/unit`."""
    _install(session)
    session.run("python", "-m", "pytest", *session.posargs, env=ONE_THREAD)


@nox.session(python=SUPPORTED)
def contract(session: nox.Session) -> None:
    """Run the conformance kit on every backend that is present, and on every plugin."""
    _install(session)
    session.run("python", "-m", "pytest", "tests/contract", *session.posargs, env=ONE_THREAD)


@nox.session(python=SUPPORTED)
def parity(session: nox.Session) -> None:
    """Compare backends with numpy, and numpy with pyhf, on every version of Python installed.

    The long form takes all workspaces: `nox -s parity-3.13 -- --short --backend torch:cuda`. The
    table at the end is also written to build/parity-VERSION.json.
    """
    _install(session)
    wishes = [word for word in session.posargs if word != "--short"]
    form = [] if "--short" in session.posargs else ["--long"]
    report = f"--parity-report=build/parity-{session.python}.json"
    command = ("python", "-m", "pytest", "tests/parity", *form, report)
    session.run(*command, *wishes, env=ONE_THREAD)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Give every reader damaged input: `-- SECONDS` each with atheris, after a long test run.

    atheris watches which lines the input reaches; it exists for Linux and macOS.
    """
    _install(session)
    long = {**ONE_THREAD, "NEXTSTAT_FUZZ_EXAMPLES": "2000"}
    session.run("python", "-m", "pytest", "tests/fuzz", env=long)
    session.install("atheris>=3")
    seconds = session.posargs[0] if session.posargs else "600"
    for script in sorted(Path("tests/fuzz").glob("atheris_*.py")):
        session.run("python", str(script), f"-max_total_time={seconds}", env=ONE_THREAD)


@nox.session
def pool(session: nox.Session) -> None:
    """Take every published workspace through fit, test, limit, ranking and report."""
    _install(session)
    session.run("python", "tests/pool/run.py", *session.posargs, env=ONE_THREAD)


@nox.session
def wheels(session: nox.Session) -> None:
    """Build wheels of all distributions, install them into a clean environment, and use them."""
    session.run("python", "tests/wheels/check.py", *session.posargs, env=ONE_THREAD)


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
