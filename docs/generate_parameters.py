"""Writes ``docs/parameters.md``: all parameters, from the settings classes and from ``conf``.

Types, defaults and descriptions come from the pydantic classes that nodes are annotated with; a field without a
``description`` is described by the ``Attributes`` section of its class's docstring. Values come from ``conf/base`` and
the environments beside it.
"""

import inspect
import json
import re
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from kedro.config import OmegaConfigLoader
from kedro.framework.project import configure_project, pipelines
from kedro.utils import load_obj
from kedro.validation.type_extractor import TypeExtractor
from pydantic import BaseModel, RootModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_jsonable_python

PROJECT: Final = Path(__file__).parents[1]
PAGE: Final = PROJECT / "docs/parameters.md"
_BASE: Final = "base"


@dataclass(frozen=True)
class Row:
    """A parameter.

    Attributes:
        name: Dotted, as on the command line.
        kind: Its type in words.
        default: Its value in ``conf/base``.
        meaning: What it is, with its unit.
        elsewhere: Environments with another value, and that value.
    """

    name: str
    kind: str
    default: str
    meaning: str
    elsewhere: str


#: Parameters that the configuration itself reads.
RUNTIME: Final = {
    "raw_root": "Folder of the raw data, or a ZIP archive of it.",
    "chips": "Folder of chips for inference and adaptation.",
    "polygons": "Vector file of mines that chips are labelled by and masks are drawn from.",
    "places": "Table or vector file of places to cut chips at; without it they are cut on a grid.",
    "reference": "Vector file of the mines known in the scenes that `scene` names; their maps are scored by it.",
    "concessions": "Vector file of areas where mining is allowed.",
    "protected_areas": "Vector file of areas where mining is forbidden.",
    "dated_mines": "Vector file of known mines with the day on which each opened; new sites are scored by it.",
    "units": "Vector file of any areas with a name, such as municipalities, that sites are summed up by, and samples "
    "and estimates of area divided by.",
    "classifier": "Registered classifier to use instead of the last trained one, `models:/NAME@ALIAS` or "
    "`models:/NAME/VERSION`.",
    "segmenter": "Registered segmenter to use instead of the last trained one.",
    "classifier_name": "Name of the classifier in the model registry.",
    "segmenter_name": "Name of the segmenter in the model registry.",
}
#: The parameter without a settings class.
SCENES: Final = Row(
    "scene",
    "text or list of text",
    "`null`",
    "Scenes to map: a raster with named bands, a composite, a STAC item (path or address), a folder, or a list. "
    "`null` maps the regions that no model has seen.",
    "",
)

_INTRODUCTION: Final = """\
# Parameters

<!-- Written by docs/generate_parameters.py from the settings classes and conf; change them, not this page. -->

Each parameter has a dotted name and can be given on the command line:

    kedro run --params=folds.folds=4,classification.models.network.epochs=20

A name that does not exist is refused. Longer changes belong to an environment of your own: a folder in `conf` that
holds only what differs from `conf/base`. The default is the value of `conf/base`, or of the settings class where
`conf/base` says nothing. The last column lists environments with another value.
"""
_ATTRIBUTE: Final = re.compile(r"^(?P<name>\w+): (?P<text>.*(?:\n +.*)*)", re.MULTILINE)
_ASKED_FOR: Final = re.compile(r"\$\{runtime_params:\s*(\w+)")
_WORDS: Final = {int: "integer", float: "number", str: "text", bool: "true or false", Path: "path", type(None): "null"}
_NOT_SET: Final = object()


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """The page in Markdown."""
    configure_project("mining_the_mines")
    sections = [_INTRODUCTION, _table("Data and models", runtime_rows())]
    groups: dict[str, list[Row]] = {}
    for row in parameter_rows():
        groups.setdefault(_group(row.name), []).append(row)
    sections += [_table(name, rows) for name, rows in sorted(groups.items())]
    return "\n".join(sections)


def parameter_rows() -> Iterator[Row]:
    """All parameters that nodes read.

    Raises:
        KeyError: One has no settings class.
    """
    values = {env: _parameters(env) for env in _environments()}
    typed = TypeExtractor(dict(pipelines)).extract_types_from_pipelines()
    read = {name.removeprefix("params:") for each in pipelines.values() for name in each.inputs() if "params:" in name}
    whole = {name for name in read if not any(name.startswith(f"{group}.") for group in typed)}
    for name in sorted(whole):
        if name == SCENES.name:
            yield SCENES
        else:
            yield from _fields(name, typed[name], {env: _look_up(found, name) for env, found in values.items()})


def runtime_rows() -> Iterator[Row]:
    """All parameters that the configuration reads.

    Raises:
        KeyError: One is not described here.
    """
    texts = [file.read_text(encoding="utf-8") for file in sorted(PROJECT.glob("conf/*/*.yml"))]
    for name in sorted({name for text in texts for name in _ASKED_FOR.findall(text)}):
        yield Row(name, "text", "", RUNTIME[name], "")


def _fields(prefix: str, model: type[BaseModel], given: Mapping[str, Any]) -> Iterator[Row]:
    """The fields of a settings class, those of classes inside it as well."""
    if issubclass(model, RootModel):
        yield from _named_classes(prefix, given)
        return
    described = _attributes(model)
    for attribute, field in model.model_fields.items():
        name = field.alias or attribute
        dotted = f"{prefix}.{name}"
        inside = {env: _look_up(value, name) for env, value in given.items()}
        meaning = field.description or described.get(attribute, "")
        models = list(_models(field.annotation))
        if len(models) == 1 and not _is_list(field.annotation):
            yield from _fields(dotted, models[0], inside)
            continue
        yield _row(dotted, _kind(field.annotation), meaning, _default(field), inside)
        for each in models:
            yield from _fields(f"{dotted}[].", each, {})


def _named_classes(prefix: str, given: Mapping[str, Any]) -> Iterator[Row]:
    """The classes that ``conf/base`` names by their import paths under a parameter, with their fields."""
    for name, stated in given[_BASE].items():
        inside = {env: _look_up(value, name) for env, value in given.items()}
        yield from _fields(f"{prefix}.{name}", load_obj(stated["class"]), inside)


def _row(name: str, kind: str, meaning: str, default: Any, given: Mapping[str, Any]) -> Row:  # noqa: ANN401 - any annotation or value
    base = given.get(_BASE, _NOT_SET)
    base = default if base is _NOT_SET else base
    other = {env: value for env, value in given.items() if value is not _NOT_SET and value != base and env != _BASE}
    elsewhere = "; ".join(f"{env}: {_shown(value)}" for env, value in other.items())
    return Row(name.replace("[]..", "[]."), kind, _shown(base), " ".join(meaning.split()), elsewhere)


def _attributes(model: type[BaseModel]) -> dict[str, str]:
    """What docstrings of a class and those above it say of its attributes."""
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        docstring = inspect.cleandoc(each.__doc__ or "") + "\n"
        section = re.search(r"^Attributes:\n(?P<body>(?: {4}.*\n|\n)+)", docstring, re.MULTILINE)
        if section is not None:
            body = inspect.cleandoc("\n" + section["body"])
            found |= {match["name"]: match["text"].replace("``", "`") for match in _ATTRIBUTE.finditer(body)}
    return found


def _models(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - annotations have no common type
    """Settings classes that an annotation names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _is_list(annotation: Any) -> bool:  # noqa: ANN401 - any annotation or value
    return get_origin(annotation) in {list, tuple, dict}


def _kind(annotation: Any) -> str:  # noqa: ANN401 - any annotation or value
    """A type in words."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is None:
        return _plain_kind(annotation)
    if origin is Annotated:
        return _kind(parts[0])
    if origin is Literal:
        return ", ".join(f"`{_plain(part)}`" for part in parts)
    kinds = list(dict.fromkeys(_kind(part) for part in parts if part is not Ellipsis))
    if origin in {Union, types.UnionType}:
        return " or ".join(kinds)
    if issubclass(origin, Mapping):
        return "mapping"
    count = f"{len(parts)} of" if origin is tuple and Ellipsis not in parts else "list of"
    return f"{count} {' and '.join(kinds)}"


def _plain_kind(annotation: Any) -> str:  # noqa: ANN401 - any annotation or value
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(f"`{each.value}`" for each in annotation)
    return _WORDS.get(annotation, getattr(annotation, "__name__", "any"))


def _default(field: FieldInfo) -> Any:  # noqa: ANN401 - any annotation or value
    value = field.get_default(call_default_factory=True)
    return _NOT_SET if value is PydanticUndefined else to_jsonable_python(value)


def _shown(value: Any) -> str:  # noqa: ANN401 - any annotation or value
    return "" if value is _NOT_SET else f"`{_plain(value)}`"


def _plain(value: Any) -> str:  # noqa: ANN401 - any annotation or value
    """A value as YAML has it, on one line."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _look_up(values: Any, name: str) -> Any:  # noqa: ANN401 - any annotation or value
    for part in name.split("."):
        if not isinstance(values, Mapping) or part not in values:
            return _NOT_SET
        values = values[part]
    return values


def _environments() -> list[str]:
    found = sorted(path.name for path in (PROJECT / "conf").iterdir() if any(path.glob("parameters*.yml")))
    return [_BASE, *(env for env in found if env not in {_BASE, "local"})]


def _parameters(env: str) -> dict[str, Any]:
    from mining_the_mines.settings import CONFIG_LOADER_ARGS

    loader = OmegaConfigLoader(str(PROJECT / "conf"), env=env, **CONFIG_LOADER_ARGS)
    parameters: dict[str, Any] = to_jsonable_python(loader["parameters"])
    return parameters


def _group(name: str) -> str:
    """The section of a parameter: its task and stage, or its first name."""
    parts = name.split(".")
    return ".".join(parts[:2]) if parts[0] in {"classification", "segmentation"} else parts[0]


def _table(title: str, rows: Iterable[Row]) -> str:
    lines = [
        f"## {title}",
        "",
        "| Parameter | Type | Default | Meaning | Environments |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        cells = (f"`{row.name}`", row.kind, row.default, row.meaning, row.elsewhere)
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
