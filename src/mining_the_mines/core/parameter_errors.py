"""Errors of Kedro and pydantic about parameters, in a line each and without values that may be secret."""

import re
from collections.abc import Iterator
from typing import Final

from pydantic import ValidationError

from mining_the_mines.core.redaction import is_secret_name, redact

_PARAMETER: Final = re.compile(r"^- Parameter '(?P<name>[^']+)': ", re.MULTILINE)
_HEAD: Final = re.compile(r"^Failed to instantiate .*validation errors? for .*\n")
#: An error as pydantic prints it; the path is missing where a settings object as a whole is wrong.
_ERROR: Final = re.compile(
    r"^(?:(?P<path>\S[^\n]*)\n)?  (?P<what>[^\n]+) \[type=(?P<kind>\w+), input_value=(?P<value>.*?), input_type=\w+\]$",
    re.MULTILINE | re.DOTALL,
)
#: Types of errors that this project's validators raise, with a message of their own.
_OURS: Final = ("value_error", "assertion_error")
_PREFIXES: Final = re.compile("^(?:Value error|Assertion failed), ")


def describe_parameter_errors(message: str) -> str:
    """Describe wrong parameters.

    Args:
        message: Message of Kedro's ``ParameterValidationError``.

    Returns:
        Each wrong parameter by its full name with the fault, and where parameters are documented. Only single values
        under harmless names are repeated.
    """
    start, *parts = _PARAMETER.split(message)
    faults = [fault for name, said in zip(parts[::2], parts[1::2], strict=True) for fault in _faults(name, said)]
    if not faults:
        return redact(start)
    return f"{'; '.join(faults)}. (docs/parameters.md explains all parameters.)"


def describe_settings_errors(error: ValidationError, place: str) -> str:
    """Describe settings that pydantic refuses.

    Args:
        error: The error, whose values may contain a password.
        place: File or parameter that the settings stand in.

    Returns:
        Each wrong setting by its name with the fault, without values.
    """
    errors = error.errors(include_input=False, include_url=False, include_context=False)
    faults = [_setting_fault(".".join(map(str, each["loc"])), each["type"], each["msg"]) for each in errors]
    return f"{place} can't be used: {'; '.join(faults)}."


def _setting_fault(name: str, kind: str, said: str) -> str:
    if kind == "extra_forbidden":
        return f"there is no {name}"
    what = redact(_PREFIXES.sub("", said)).rstrip(".")
    return f"{name}: {what}" if name else what


def _faults(name: str, said: str) -> Iterator[str]:
    found = list(_ERROR.finditer(_HEAD.sub("", said)))
    if not found:
        yield f"parameter {name}: {redact(' '.join(said.split())).rstrip('.')}"
    for error in found:
        yield _fault(f"{name}.{error['path']}" if error["path"] else name, error)


def _fault(name: str, error: re.Match[str]) -> str:
    what = redact(_PREFIXES.sub("", error["what"])).rstrip(".")
    if error["kind"] == "extra_forbidden":
        return f"there is no parameter {name}"
    single = not error["value"].startswith(("{", "[", "("))
    if error["kind"] in _OURS or error["kind"] == "missing" or not single or is_secret_name(name):
        return f"parameter {name}: {what}"
    return f"parameter {name} is {redact(error['value'])}: {what[:1].lower()}{what[1:]}"
