"""Nested parameters under dotted names, for tables and messages."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from mining_the_mines.core.redaction import redact, redact_all


def flatten(parameters: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Flatten parameters to text by dotted name, without passwords and signatures.

    Args:
        parameters: Settings objects, plain values and mappings of them, by name.
        prefix: Prefix of all names.
    """
    flat: dict[str, str] = {}
    plainly = {
        name: value.model_dump(mode="json") if isinstance(value, BaseModel) else value
        for name, value in parameters.items()
    }
    for name, plain in redact_all(plainly).items():
        if isinstance(plain, Mapping) and plain:
            flat |= flatten(plain, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = redact(str(plain))
    return flat
