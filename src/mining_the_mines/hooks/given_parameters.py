"""Refuses parameters of the command line that nothing would read."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final
from zipfile import is_zipfile

import fsspec
import yaml
from kedro.config import AbstractConfigLoader
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.pipeline import Pipeline

from mining_the_mines.core.dotted_names import flatten
from mining_the_mines.core.errors import BadInputError

#: How configuration asks for a parameter of the command line.
_ASKED_FOR: Final = re.compile(r"\$\{runtime_params:\s*([\w.]+)")
#: Fields that a node reads of a parameter; all of those that are not listed.
_ACCESS: Final = ("source", "timeout_seconds", "retries", "back_off", "connections")
_SELECTION: Final = ("collection", "regions", "max_cloud_cover", "minimum_dates", "exclude")
_SEARCH: Final = (*_SELECTION, "start", "end")
_PIXELS: Final = (
    "order", "nodata", "scale", "offset", "lowest_reflectance", "highest_reflectance", "max_implausible_share",
)  # fmt: skip
_READ: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("acquisition.simulate_archive", "acquisition"): ("source", "regions"),
    ("acquisition.select_scenes", "acquisition"): (*_ACCESS, *_SEARCH),
    ("acquisition.select_scenes", "imagery"): ("bands",),
    ("acquisition.select_scenes", "compositing"): ("mask_asset", "clear_sky.source"),
    ("acquisition.check_scenes", "acquisition"): (*_ACCESS, "minimum_dates", "keep_assets"),
    ("compositing.make_composites", "imagery"): ("bands",),
    ("compositing.make_composites", "acquisition"): (*_ACCESS, "offset", "minimum_dates"),
    ("segmentation.cut_windows", "segmentation.windows"): ("cut", "area_percentiles", "context"),
    ("segmentation.train_segmenter", "segmentation.windows"): ("crop", "negative_share"),
    ("classification.classify_chips", "imagery"): (*_PIXELS, "max_nodata_share", "workers"),
    ("segmentation.segment_chips", "imagery"): (*_PIXELS, "max_nodata_share", "workers"),
    ("mapping.prepare_scenes", "acquisition"): (*_ACCESS[1:], "offset"),
    ("mapping.map_scenes", "imagery"): _PIXELS,
    ("monitoring.simulate_changing_archive", "acquisition"): ("source",),
    ("monitoring.request_period_scenes", "acquisition"): (*_ACCESS, *_SELECTION, "keep_assets"),
    ("monitoring.request_period_scenes", "imagery"): ("bands",),
    ("monitoring.request_period_scenes", "compositing"): ("mask_asset", "clear_sky.source"),
    ("monitoring.make_period_composites", "imagery"): ("bands",),
    ("monitoring.make_period_composites", "acquisition"): (*_ACCESS, "offset", "minimum_dates"),
    ("monitoring.prepare_periods", "acquisition"): (*_ACCESS[1:], "offset"),
    ("monitoring.plan_period_maps", "imagery"): _PIXELS,
}
#: Parameters that the pipeline mapping reads only with, or only without, the parameter ``scene``.
_WITH_SCENE: Final = "reference"
_WITHOUT_SCENE: Final = "polygons"
#: Boxes whose nodes read the known mines of mapped scenes.
_OF_SCENES: Final = frozenset({"mapping", "reporting"})


class GivenParameters:
    """Refuses parameters of the command line that nothing would read.

    The fields of a parameter are checked by its settings class when the run begins.
    """

    #: False while a run is repeated without some of its nodes, whose parameters nothing reads then.
    refuses_unread = True

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        """Compare the given parameters with those that exist.

        Raises:
            BadInputError: One does not exist, or is a number where a path or a name is wanted.
        """
        self._loader = context.config_loader
        if self._loader.runtime_params:
            asked = asked_for(Path(self._loader.conf_source))
            refuse_unknown(self._loader.runtime_params, known_parameters(asked))
            refuse_numbers(self._loader.runtime_params, asked)

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline) -> None:
        """Compare the given parameters with those that the run reads.

        Raises:
            BadInputError: One is read by other pipelines only.
        """
        given = run_params.get("runtime_params") or {}
        if given and self.refuses_unread:
            refuse_unread(given, pipeline, self._loader)


def known_parameters(asked: Collection[str]) -> set[str]:
    """Names of all parameters: those of nodes, and those that the configuration asks for."""
    inputs = {name for pipeline in pipelines.values() for name in pipeline.inputs()}
    return {name.removeprefix("params:") for name in inputs if name.startswith("params:")} | set(asked)


def asked_for(conf: Path) -> set[str]:
    """Names of the parameters that the configuration itself asks for: paths and names.

    Args:
        conf: Folder of the configuration, or an archive of it as ``kedro package`` writes it.
    """
    return {name for text in _files(conf).values() for name in _ASKED_FOR.findall(text)}


def _files(conf: Path) -> dict[tuple[str, str], str]:
    """Texts of a configuration's files by environment and name, in order."""
    if conf.is_file():
        archive = fsspec.filesystem("zip" if is_zipfile(conf) else "tar", fo=str(conf))
        texts = {Path(path): archive.cat_file(path).decode() for path in archive.find("") if path.endswith(".yml")}
    else:
        texts = {path: path.read_text(encoding="utf-8") for path in conf.glob("*/*.yml")}
    return {(path.parent.name, path.name): texts[path] for path in sorted(texts)}


def refuse_unknown(given: Mapping[str, Any], known: Collection[str]) -> None:
    """Refuse parameters that do not exist.

    Args:
        given: Parameters of the command line, nested.
        known: Dotted names of parameters; whatever lies below one is checked by its settings class.

    Raises:
        BadInputError: One does not exist; the message suggests those that are spelt nearly alike.
    """
    for name in flatten(given):
        if not any(_below(name, each) for each in known):
            close = get_close_matches(name, known, n=2)
            hint = f"did you mean {' or '.join(close)}?" if close else "docs/parameters.md lists them."
            raise BadInputError(f"There is no parameter {name}: {hint}")


def refuse_unread(given: Mapping[str, Any], pipeline: Pipeline, loader: AbstractConfigLoader) -> None:
    """Refuse parameters that nothing in a run reads, although others do.

    Args:
        given: Parameters of the command line, nested.
        pipeline: Nodes that run.
        loader: Loader of the configuration, which reads some parameters itself.

    Raises:
        BadInputError: There is one; the message names the pipelines that read it.
    """
    entries = _askers(loader)
    for name in flatten(given):
        if _is_read(name, pipeline, entries):
            continue
        readers = [
            each for each, nodes in pipelines.items() if each != "__default__" and _is_read(name, nodes, entries)
        ]
        raise BadInputError(
            f"The parameter {name} has no effect on this run: it is read by {_listed(readers)}. Leave it out, or run "
            "one of these pipelines with it."
            if readers
            else f"The parameter {name} has no effect in this environment: leave it out, or take another environment."
        )
    _refuse_other_polygons(given, pipeline)
    simulated = loader["parameters"]["acquisition"].get("source") == "simulation"
    for name in ("simulation", "monitoring.simulation"):
        if not simulated and any(_below(each, name) for each in flatten(given)):
            raise BadInputError(f"The parameter {name} has no effect, since acquisition.source is not simulation.")


def _refuse_other_polygons(given: Mapping[str, Any], pipeline: Pipeline) -> None:
    """Refuse known mines of other scenes than those that are mapped."""
    if _WITH_SCENE in given and not given.get("scene"):
        raise BadInputError(
            "The parameter reference has no effect without scene: it holds the known mines of the scenes that "
            "--params=scene=PATH names."
        )
    readers = {node.namespace for node in pipeline.nodes if "mine_polygons" in node.inputs}
    if _WITHOUT_SCENE in given and given.get("scene") and readers and readers <= _OF_SCENES:
        raise BadInputError(
            "The parameter polygons has no effect where scene names the scenes: their known mines are named by "
            "reference=FILE."
        )


def refuse_numbers(given: Mapping[str, Any], names: Iterable[str]) -> None:
    """Refuse numbers where paths and names are wanted: the text that was typed is lost.

    Args:
        given: Parameters of the command line.
        names: Names of the parameters that are paths and names, beside ``scene``.

    Raises:
        BadInputError: One is a number or a truth value, or is empty.
    """
    for name in (*names, "scene"):
        value = given.get(name)
        if isinstance(value, bool | int | float) or value == "":
            told = "is empty" if value == "" else f"is {value}, which was read as a number or truth value"
            raise BadInputError(f"The parameter {name} {told}: write ./{value or 'NAME'}, or put it in quotes.")


def _is_read(name: str, pipeline: Pipeline, entries: Mapping[str, set[str]]) -> bool:
    """Whether nodes read a parameter, or a dataset or parameter whose configuration asks for it."""
    read = {each for node in pipeline.nodes for each in node.inputs}
    if entries.get(name, set()) & read:
        return True
    return any(
        _below(name, parameter) and _reads_field(node.name, parameter, name)
        for node in pipeline.nodes
        for parameter in (each.removeprefix("params:") for each in node.inputs if each.startswith("params:"))
    )


def _reads_field(node: str, parameter: str, name: str) -> bool:
    """Whether a node reads a parameter, or something above or below it."""
    fields = [f"{parameter}.{field}" for field in _READ.get((node, parameter), ())]
    return not fields or any(_below(name, field) or _below(field, name) for field in fields)


def _askers(loader: AbstractConfigLoader) -> dict[str, set[str]]:
    """For each parameter that the configuration reads, the inputs of nodes that follow from it."""
    found: dict[str, set[str]] = {}
    merged: dict[tuple[bool, str], Any] = {}
    files = _files(Path(loader.conf_source))
    for folder in dict.fromkeys(("base", loader.env or "local")):
        for (place, name), text in files.items():
            if place == folder:
                entries = (yaml.safe_load(text) or {}).items()
                merged |= {(name.startswith("parameters"), key): value for key, value in entries}
    for (is_parameter, key), value in merged.items():
        for path, text in _texts(key, value):
            for name in _ASKED_FOR.findall(text):
                parents = [f"params:{path[: end.start()]}" for end in re.finditer(r"\.|$", path)]
                found.setdefault(name, set()).update(parents if is_parameter else [key])
    return found


def _texts(path: str, value: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - any YAML value
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(f"{path}.{key}", inner)
    elif isinstance(value, str):
        yield path, value


def _below(name: str, parameter: str) -> bool:
    return f"{name}.".startswith(f"{parameter}.")


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
