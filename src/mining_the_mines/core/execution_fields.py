"""Parameters that change how work is done but not its result, such as the number of workers."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, RootModel

_MARK: Final = "execution_only"
#: Marks a field of a settings class: ``Field(…, json_schema_extra=EXECUTION_ONLY)``.
EXECUTION_ONLY: Final[dict[str, Any]] = {_MARK: True}


def result_parameters(value: Any) -> Any:  # noqa: ANN401 - any parameter
    """A parameter as a JSON value without its execution fields: the part that results depend on.

    Args:
        value: A settings object, a plain value, or a mapping or list of them.
    """
    if isinstance(value, Mapping):
        return {str(name): result_parameters(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [result_parameters(part) for part in value]
    if isinstance(value, RootModel):
        return result_parameters(value.root)
    if not isinstance(value, BaseModel):
        return value
    fields = type(value).model_fields
    names = [name for name, field in fields.items() if not _is_execution_only(field.json_schema_extra)]
    dumped = value.model_dump(mode="json", include=set(names))
    parts = {name: getattr(value, name) for name in names}
    return {
        name: result_parameters(part) if isinstance(part, BaseModel) else dumped[name] for name, part in parts.items()
    }


def _is_execution_only(extra: object) -> bool:
    return isinstance(extra, dict) and bool(extra.get(_MARK))
