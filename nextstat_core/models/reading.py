"""Models from files and documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from nextstat_core.hooks import get_manager
from nextstat_core.io import DECLARED, read_hs3, read_workspace
from nextstat_core.models.sources import document_of, read_files, read_other_format

if TYPE_CHECKING:
    from os import PathLike

    from nextstat_core.backend import Backend
    from nextstat_core.io import InterpolationChoice, OnUnknown, ShapeSysValues
    from nextstat_core.ir import Model

__all__ = ["ReadingMethods"]


class ReadingMethods:
    """Constructors of `HistFactoryModel`; that class says what is made of the plain data."""

    if TYPE_CHECKING:

        def __init__(
            self,
            model: Model,
            *,
            backend: str | Backend | None = None,
            device: str | None = None,
            precise: bool = False,
        ) -> None: ...

    @classmethod
    def from_workspace(
        cls,
        source: Any,
        *,
        measurement: str | None = None,
        poi: Any = DECLARED,
        interpolation: InterpolationChoice = None,
        backend: str | Backend | None = None,
        device: str | None = None,
        precise: bool = False,
    ) -> Self:
        """Read a pyhf workspace, or an HS3 document: it has the key ``distributions``.

        A path may also name a file in a format that a plugin reads, HistFactory XML for example.

        Parameters
        ----------
        source : str, bytes, mapping or path
            JSON text, a decoded workspace (a `pyhf.Workspace` is one), or a path.
        measurement : str, optional
            Name of the measurement, in HS3 of the analysis; the first one if left out.
        poi : str or None, optional
            Name of the parameter of interest, None for none; left out, the measurement declares it.
        interpolation : str or mapping, optional
            Interpolation codes, see `nextstat_core.io.read_pyhf`.
        backend, device, precise
            As for the class.

        Raises
        ------
        FormatError
            If `source` is no JSON.
        ModelError
            If the workspace describes no usable model; lists all problems at once.
        """
        asked = {"measurement": measurement, "poi": poi, "interpolation": interpolation}
        defaults = (None, DECLARED, None)
        given = {
            name: value
            for (name, value), default in zip(asked.items(), defaults, strict=True)
            if value is not default
        }
        model = read_other_format(source, **given)
        if model is None:
            types = get_manager().modifiers
            model = read_workspace(document_of(source), **given, modifier_types=types)
        return cls(model, backend=backend, device=device, precise=precise)

    from_pyhf = from_workspace

    @classmethod
    def from_xml(
        cls,
        xml_path: str | PathLike[str],
        *,
        backend: str | Backend | None = None,
        device: str | None = None,
        precise: bool = False,
        **options: Any,
    ) -> Self:
        """Read HistFactory XML with its ROOT files, by the plugin nextstat-root.

        Parameters
        ----------
        xml_path : path
            The file with the ``<Combination>``, or a folder that has one such file.
        backend, device, precise
            As for the class.
        **options
            Those of ``nextstat_root.read_histfactory``: `measurement`, `poi`, `base_dir`, ...

        Raises
        ------
        InputError
            If the plugin or the file is missing.
        FormatError, ModelError
            If the files are damaged, or describe no usable model; lists all problems at once.
        """
        model = read_files("histfactory", xml_path, distribution="nextstat-root", **options)
        return cls(model, backend=backend, device=device, precise=precise)

    @classmethod
    def from_hs3(
        cls,
        json_str: Any,
        *,
        analysis: str | None = None,
        param_points: str | None = None,
        poi: Any = DECLARED,
        interpolation: InterpolationChoice = None,
        shapesys: ShapeSysValues | None = None,
        on_unknown: OnUnknown = "error",
        backend: str | Backend | None = None,
        device: str | None = None,
        precise: bool = False,
    ) -> Self:
        """Read a model in the HEP Statistics Serialization Standard (HS3).

        Parameters
        ----------
        json_str : str, bytes, mapping or path
            JSON text, the decoded document, or a path.
        analysis : str, optional
            Name of the analysis; the first one if left out.
        param_points : str, optional
            Name of the parameter point with start values and constants; left out, what the analysis
            names, then ``default_values``.
        poi, interpolation, shapesys, on_unknown
            As for `nextstat_core.io.read_hs3`.
        backend, device, precise
            As for the class.

        Raises
        ------
        FormatError
            If `json_str` is no JSON, or no HS3.
        ModelError
            If the document describes no usable model; lists all problems at once.
        InputError
            If there is no such analysis or parameter point.
        """
        model = read_hs3(
            document_of(json_str),
            analysis=analysis,
            param_points=param_points,
            poi=poi,
            interpolation=interpolation,
            shapesys=shapesys,
            on_unknown=on_unknown,
        )
        return cls(model, backend=backend, device=device, precise=precise)
