"""What Kedro and pydantic say of wrong parameters, in a line each and without what may be secret."""

import re
from collections.abc import Iterator
from typing import Final

from pydantic import ValidationError

from mining_the_mines.core.redaction import is_secret_name, redact

_PARAMETER: Final = re.compile(r"^- Parameter '(?P<name>[^']+)': ", re.MULTILINE)
_HEAD: Final = re.compile(r"^Failed to instantiate .*validation errors? for .*\n")
#: How pydantic prints an error; its path is missing where a model as a whole is wrong.
_ERROR: Final = re.compile(
    r"^(?:(?P<path>\S[^\n]*)\n)?  (?P<what>[^\n]+) \[type=(?P<kind>\w+), input_value=(?P<value>.*?), input_type=\w+\]$",
    re.MULTILINE | re.DOTALL,
)
#: Pydantic's word for an error that a validator of ours tells, in words of its own.
_OURS: Final = ("value_error", "assertion_error")
_PREFIXES: Final = re.compile("^(?:Value error|Assertion failed), ")


def describe_parameter_errors(message: str) -> str:
    """Say what is wrong with parameters.

    Args:
        message: Of Kedro's ``ParameterValidationError``.

    Returns:
        Each wrong parameter by its full name, what is wrong with it, and where parameters are explained. Values are
        repeated only where they are single ones under harmless names.
    """
    start, *parts = _PARAMETER.split(message)
    faults = [fault for name, said in zip(parts[::2], parts[1::2], strict=True) for fault in _faults(name, said)]
    if not faults:
        return redact(start)
    return f"{'; '.join(faults)}. (docs/parameters.md explains all parameters.)"


def describe_settings_errors(error: ValidationError, place: str) -> str:
    """Say what is wrong with settings that pydantic refuses.

    Args:
        error: What it says, with all that was given: a password under a wrong name, or beside one.
        place: Where they are given.

    Returns:
        Each wrong setting by its name in that place and what is wrong with it, without any value.
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
