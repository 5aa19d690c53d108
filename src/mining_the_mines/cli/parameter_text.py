"""Values of ``--params``: text stays text where a path, a name or a date is wanted."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import click
import yaml
from kedro.utils import find_kedro_project
from omegaconf import OmegaConf
from pydantic import BaseModel, RootModel

#: A comma ends a value only where another parameter begins.
_NEXT: Final = re.compile(r",(?=\s*[A-Za-z_][\w.]*\s*=)")
_NAME: Final = re.compile(r"[A-Za-z_]\w*(\.\w+)*")
_NUMBERS: Final = (bool, int, float)
_TEXTS: Final = (str, Path, date)
_NULL: Final = ("null", "~")


def parse_parameters(ctx: click.Context, option: click.Parameter, given: Any) -> dict[str, Any]:  # noqa: ANN401 - click's protocol
    """Split ``NAME=VALUE,NAME=VALUE`` as Kedro does, without taking paths and names for numbers.

    Args:
        ctx: Context of the command, for messages.
        option: The option, for messages.
        given: Text of the command line, or a mapping from a configuration file.

    Returns:
        Nested parameters.

    Raises:
        click.BadParameter: A part has no name or no equals sign, or a name is given twice.
    """
    if isinstance(given, dict):
        return given
    found: dict[str, str] = {}
    for item in _NEXT.split(given) if given else ():
        name, equals, value = item.partition("=")
        name = name.strip()
        if not equals or not _NAME.fullmatch(name):
            raise click.BadParameter(f"{item!r} is not of the form NAME=VALUE.", ctx, option)
        if name in found:
            raise click.BadParameter(f"{name} is given twice: {found[name]} and {value}.", ctx, option)
        found[name] = value.strip()
    if not found:
        return {}
    wanted = TextNames(Path(ctx.params.get("conf_source") or _project_conf()))
    parsed = OmegaConf.create({})
    for name, value in found.items():
        OmegaConf.update(parsed, name, as_text(value) if name in wanted else _as_yaml(ctx, option, name, value))
    nested = OmegaConf.to_container(parsed)
    return {str(key): value for key, value in nested.items()} if isinstance(nested, dict) else {}


def as_text(value: str) -> Any:  # noqa: ANN401 - text, a list of text, or none
    """Read a path or name as it was typed.

    Args:
        value: The typed text.

    Returns:
        The text without quotes around it; a list for ``[a, b]``; ``None`` for ``null``, unless a file is called so.
    """
    if len(value) > 1 and value[0] == value[-1] and value[0] in {"'", '"'}:
        return value[1:-1]
    if value in _NULL and not Path(value).exists():
        return None
    if (value[:1], value[-1:]) in {("[", "]"), ("{", "}")} and not Path(value).exists():
        return yaml.load(value, Loader=yaml.BaseLoader)  # noqa: S506 - it makes nothing but text
    return value


def _as_yaml(ctx: click.Context, option: click.Parameter, name: str, value: str) -> Any:  # noqa: ANN401 - any YAML value
    try:
        return OmegaConf.from_dotlist([f"value={value}"])["value"]
    except (yaml.YAMLError, ValueError) as error:
        raise click.BadParameter(f"the value of {name}, {value!r}, can't be read: quote it.", ctx, option) from error


def _project_conf() -> str:
    from kedro.framework.project import settings

    return str((find_kedro_project(Path.cwd()) or Path.cwd()) / settings.CONF_SOURCE)


class TextNames:
    """Names of the parameters that are paths, names or dates.

    Args:
        conf: Folder of the configuration, which asks for some of them.
    """

    def __init__(self, conf: Path) -> None:
        from kedro.framework.project import pipelines
        from kedro.validation.type_extractor import TypeExtractor

        from mining_the_mines.hooks.given_parameters import asked_for

        self._typed = TypeExtractor(dict(pipelines)).extract_types_from_pipelines()
        self._untyped = asked_for(conf) | {"scene"}

    def __contains__(self, name: object) -> bool:
        """Whether a dotted name is one of them."""
        parts = str(name).split(".")
        for end in range(len(parts), 0, -1):
            model = self._typed.get(".".join(parts[:end]))
            if model is not None:
                return _takes_text(_annotation(model, parts[end:]))
        return str(name) in self._untyped


def _annotation(model: Any, names: list[str]) -> Any:  # noqa: ANN401 - annotations have no common type
    """The annotation of a field, or of a field of a field; ``None`` if it is not known."""
    for name in names:
        models = [each for each in (model, *get_args(model)) if isinstance(each, type) and issubclass(each, BaseModel)]
        if len(models) != 1 or issubclass(models[0], RootModel):
            return None
        fields = {field.alias or key: field.annotation for key, field in models[0].model_fields.items()}
        if name not in fields:
            return None
        model = fields[name]
    return model


def _takes_text(annotation: Any) -> bool:  # noqa: ANN401 - annotations have no common type
    kinds = set(_kinds(annotation))
    return any(issubclass(kind, _TEXTS) for kind in kinds) and not any(issubclass(kind, _NUMBERS) for kind in kinds)


def _kinds(annotation: Any) -> Iterator[type]:  # noqa: ANN401 - annotations have no common type
    """The plain types of an annotation, those of lists as well; types inside mappings don't count."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        yield from map(type, parts)
    elif origin is Annotated:
        yield from _kinds(parts[0])
    elif origin in {Union, UnionType, tuple, list}:
        for part in parts:
            yield from _kinds(part)
    elif isinstance(annotation, type) and not isinstance(None, annotation):
        yield annotation
