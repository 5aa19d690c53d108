"""Two runs side by side: what they were made of, and what came out."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mining_the_mines.provenance.content import NOTHING
from mining_the_mines.provenance.records import CodeState, Environment, RunRecord

Verdict = Literal["equal", "close", "different", "missing", "new"]

#: How a verdict weighs: nothing may be different or missing.
_GOOD: frozenset[Verdict] = frozenset({"equal", "close"})


@dataclass(frozen=True)
class Difference:
    """Something that a run was made of and that is no longer the same.

    Attributes:
        what: Such as ``code`` or ``data: raw_outlines``.
        then: In the run.
        now: Here.
    """

    what: str
    then: str
    now: str

    def __str__(self) -> str:
        return f"{self.what}: {self.then} then, {self.now} now"


@dataclass(frozen=True)
class Compared:
    """A figure or a dataset of two runs.

    Attributes:
        name: Of the metric, or of the dataset.
        then: Its value or content hash in the first run; empty if it has none.
        now: In the second.
        verdict: Whether they agree.
    """

    name: str
    then: str
    now: str
    verdict: Verdict

    @property
    def agrees(self) -> bool:
        """Whether the second run gave what the first had."""
        return self.verdict in _GOOD


def code_differences(then: CodeState, now: CodeState) -> Iterator[Difference]:
    """Tell whether the package's files differ; commits that change none of them don't count."""
    if then.package_hash != now.package_hash:
        yield Difference("code", _named(then), _named(now))


def environment_differences(then: Environment, now: Environment) -> Iterator[Difference]:
    """Tell what of packages and Python differs; the device changes last digits only."""
    if then.lock_hash != now.lock_hash:
        yield Difference("lock file", _short(then.lock_hash), _short(now.lock_hash))
    for package, version in then.packages.items():
        if now.packages.get(package) != version:
            yield Difference(f"package {package}", version, now.packages.get(package, "none"))
    if None not in (then.threads, now.threads) and then.threads != now.threads:
        yield Difference("threads (OMP_NUM_THREADS)", str(then.threads), str(now.threads))
    if _minor(then.python) != _minor(now.python):
        yield Difference("Python", then.python, now.python)


def data_differences(record: RunRecord, now: Mapping[str, str]) -> Iterator[Difference]:
    """Tell which raw inputs differ.

    Args:
        record: Of the run.
        now: Content hash of each of them today, by dataset.
    """
    for name, state in record.raw_inputs().items():
        if now[name] != state.content_hash:
            place = f" ({state.path})" if state.path else ""
            yield Difference(f"data: {name}{place}", _content(state.content_hash), _content(now[name]))


def parameter_differences(then: Any, now: Any, name: str = "") -> Iterator[Difference]:  # noqa: ANN401 - plain values
    """Tell which parameters differ, by their dotted names."""
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        for key in sorted({*then, *now}, key=str):
            inner = f"{name}.{key}" if name else str(key)
            yield from parameter_differences(then.get(key), now.get(key), inner)
    elif _plain(then) != _plain(now):
        yield Difference(f"parameter {name}", str(then), str(now))


def compare_metrics(then: Mapping[str, float], now: Mapping[str, float], tolerance: float) -> list[Compared]:
    """Compare all figures of two runs.

    Args:
        then: Of the first, by name.
        now: Of the second.
        tolerance: How far they may be apart; 0 on a CPU, where they are equal to the last digit.
    """
    rows = []
    for name in sorted({*then, *now}):
        first, second = then.get(name), now.get(name)
        rows.append(Compared(name, _digits(first), _digits(second), _figure(first, second, tolerance)))
    return rows


def compare_outputs(then: RunRecord, now: RunRecord) -> list[Compared]:
    """Compare what the nodes of both runs have written, and the raw data that they have read.

    Args:
        then: The first; what only it wrote counts as missing.
        now: The second.
    """
    before, after = ({**run.raw_inputs(), **run.outputs()} for run in (then, now))
    rows = []
    for name in sorted({*before, *after}):
        first, second = (states[name].content_hash if name in states else "" for states in (before, after))
        verdict: Verdict = "equal" if first == second else "different" if first and second else "missing"
        rows.append(Compared(name, first, second, verdict if first else "new"))
    return rows


def _figure(then: float | None, now: float | None, tolerance: float) -> Verdict:
    if then is None:
        return "new"
    if now is None:
        return "missing"
    if then == now or (math.isnan(then) and math.isnan(now)):
        return "equal"
    return "close" if abs(then - now) <= tolerance else "different"


def _named(code: CodeState) -> str:
    changed = ", changed since" if code.dirty else ""
    return f"package {code.package_hash[:12]} (commit {code.commit[:12]}{changed})"


def _content(content_hash: str) -> str:
    return "nothing" if content_hash == NOTHING else content_hash[:12]


def _short(value: str | None) -> str:
    return value[:12] if value else "none"


def _minor(python: str) -> list[str]:
    return python.split(".")[:2]


def _digits(value: float | None) -> str:
    return "" if value is None else repr(value)


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON knows no tuples
    return list(value) if isinstance(value, tuple) else value
