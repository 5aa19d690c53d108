"""Parameters that say how work is done, and not what comes of it."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

_MARK: Final = "incidental"
#: Marks a field of a pydantic model: ``Field(…, json_schema_extra=EXECUTION_ONLY)``.
EXECUTION_ONLY: Final[dict[str, Any]] = {_MARK: True}


def result_parameters(value: Any) -> Any:  # noqa: ANN401 - any parameter
    """A parameter as JSON knows it, without its incidental fields: what results depend on.

    Args:
        value: A model, a plain value, or a mapping or list of them.
    """
    if isinstance(value, Mapping):
        return {str(name): result_parameters(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [result_parameters(part) for part in value]
    if not isinstance(value, BaseModel):
        return value
    fields = type(value).model_fields
    names = [name for name, field in fields.items() if not _is_incidental(field.json_schema_extra)]
    dumped = value.model_dump(mode="json", include=set(names))
    parts = {name: getattr(value, name) for name in names}
    return {
        name: result_parameters(part) if isinstance(part, BaseModel) else dumped[name] for name, part in parts.items()
    }


def _is_incidental(extra: object) -> bool:
    return isinstance(extra, dict) and bool(extra.get(_MARK))
