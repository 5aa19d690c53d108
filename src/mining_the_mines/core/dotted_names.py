"""Nested parameters under dotted names, as tables and messages call them."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from mining_the_mines.core.redaction import redact, redact_all


def flatten(parameters: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested parameters as dotted names and text, without passwords and signatures.

    Args:
        parameters: Models, plain values and mappings of them, by name.
        prefix: What all names begin with.
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
