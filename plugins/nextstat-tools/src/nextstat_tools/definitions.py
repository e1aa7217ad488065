"""What agents read about the tools: names, descriptions, schemas of the arguments."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["DESCRIPTIONS", "LARGEST_STUDY", "PARAMETERS"]

#: Toys and points of one call: what an agent asks for by mistake must not fill the memory.
LARGEST_STUDY: Final = {"n_toys": 1_000_000, "points": 1001}

_EXECUTION: dict[str, Any] = {
    "type": "object",
    "description": "How to evaluate. The default gives the same bits every time.",
    "properties": {
        "deterministic": {
            "type": "boolean",
            "default": True,
            "description": "Same bits every time: eval_mode 'parity' and one thread.",
        },
        "eval_mode": {
            "type": "string",
            "enum": ["parity", "fast"],
            "description": "'parity' sums with compensation; 'fast' does not.",
        },
        "threads": {
            "type": "integer",
            "minimum": 0,
            "maximum": 256,
            "description": "Threads that share toys; 0 for the default.",
        },
    },
    "additionalProperties": False,
}
_WORKSPACE: dict[str, Any] = {
    "type": "string",
    "description": "The workspace, pyhf or HS3, as JSON text. Rather give the path of large ones.",
}
_TOP_N: dict[str, Any] = {
    "type": "integer",
    "minimum": 0,
    "default": 50,
    "description": "How many parameters are listed, the most important first; 0 for all.",
}


def _arguments(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    """Schema of the arguments of a tool that takes a workspace."""
    return {
        "type": "object",
        "properties": {"workspace_json": _WORKSPACE, **properties, "execution": _EXECUTION},
        "required": ["workspace_json", *required],
        "additionalProperties": False,
    }


def _number(description: str, **rest: Any) -> dict[str, Any]:
    return {"type": "number", "description": description, **rest}


def _flag(description: str) -> dict[str, Any]:
    return {"type": "boolean", "default": False, "description": description}


def _count(description: str, default: int, minimum: int, **rest: Any) -> dict[str, Any]:
    return {
        "type": "integer",
        "minimum": minimum,
        "default": default,
        "description": description,
        **rest,
    }


_MU = _number("Value of the parameter of interest that is tested; 1 is the nominal signal.")
_ALPHA = _number(
    "CLs at which a signal is excluded; 0.05 is a confidence level of 95 %.",
    exclusiveMinimum=0,
    exclusiveMaximum=1,
    default=0.05,
)

#: Schemas of the arguments by name of the tool, in the order in which they are listed.
PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "nextstat_fit": _arguments(top_n=_TOP_N),
    "nextstat_hypotest": _arguments(("mu",), mu=_MU),
    "nextstat_hypotest_toys": _arguments(
        ("mu",),
        mu=_MU,
        n_toys=_count("Toys of each hypothesis.", 1000, 1, maximum=LARGEST_STUDY["n_toys"]),
        seed=_count("Seed of the toys.", 42, 0, maximum=2**63 - 1),
        expected_set=_flag("Also the five values expected from the background."),
        return_meta=_flag("Also errors, the test statistic, and counts of toys and failures."),
    ),
    "nextstat_upper_limit": _arguments(
        expected=_flag("Also the five limits expected from the background."),
        alpha=_ALPHA,
        lo=_number("The limit has to lie above this value.", default=0.0),
        hi={
            "type": ["number", "null"],
            "default": None,
            "description": "Not needed: the search finds its own range.",
        },
        rtol=_number("Relative precision.", exclusiveMinimum=0, default=1e-4),
        max_iter=_count("Not needed: the search always ends.", 80, 1),
    ),
    "nextstat_ranking": _arguments(top_n=_TOP_N),
    "nextstat_discovery_asymptotic": _arguments(),
    "nextstat_scan": _arguments(
        start=_number("First value.", default=0.0),
        stop=_number("Last value.", default=5.0),
        points=_count("How many values.", 21, 1, maximum=LARGEST_STUDY["points"]),
    ),
    "nextstat_workspace_audit": _arguments(
        top_n=_count(
            "How many problems, warnings and remarks are listed of each; 0 for all.", 10, 0
        )
    ),
    "nextstat_read_root_histogram": {
        "type": "object",
        "properties": {
            "root_path": {
                "type": "string",
                "format": "path",
                "description": "Path of the ROOT file. Either this or root_bytes_base64.",
            },
            "root_bytes_base64": {
                "type": "string",
                "description": "The ROOT file itself, in base64.",
            },
            "filename_hint": {
                "type": "string",
                "description": "What to call the file of root_bytes_base64 in messages.",
            },
            "hist_path": {
                "type": "string",
                "description": "Name of the histogram in the file: 'h' or 'folder/h'.",
            },
        },
        "required": ["hist_path"],
        "additionalProperties": False,
    },
}

#: Descriptions by name of the tool.
DESCRIPTIONS: Final[dict[str, str]] = {
    "nextstat_fit": (
        "Fit a HistFactory workspace by maximum likelihood. Returns the negative log-likelihood, "
        "whether the fit converged, the parameter of interest with its uncertainty, and the "
        "parameters with the largest pulls."
    ),
    "nextstat_hypotest": (
        "Test one value of the parameter of interest with asymptotic formulas (qtilde). Returns "
        "CLs, CLsb and CLb; CLs below 0.05 excludes the value at 95 % confidence. These are no "
        "p-values of a discovery."
    ),
    "nextstat_hypotest_toys": (
        "Test one value of the parameter of interest with toy experiments instead of asymptotic "
        "formulas: for few events. Slow; the seed makes it reproducible."
    ),
    "nextstat_upper_limit": (
        "Find the upper limit on the parameter of interest by the CLs method, observed and, if "
        "asked for, expected for fluctuations of -2, -1, 0, 1, 2 sigma."
    ),
    "nextstat_ranking": (
        "Rank systematic uncertainties by their impact on the parameter of interest, with pulls "
        "and constraints."
    ),
    "nextstat_discovery_asymptotic": (
        "Test the background alone with asymptotic formulas. Returns the best fit of the signal, "
        "the test statistic q0, the significance z0 in sigma, and its one-sided p-value p0."
    ),
    "nextstat_scan": (
        "Scan the profile likelihood over equally spaced values of the parameter of interest."
    ),
    "nextstat_workspace_audit": (
        "Count what a workspace holds and list its problems, without fitting. It can be used if "
        "the list of problems is empty. A good first call."
    ),
    "nextstat_read_root_histogram": (
        "Read a one-dimensional histogram from a ROOT file: edges, contents, squared errors."
    ),
}
