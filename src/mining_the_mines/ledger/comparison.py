"""Two runs side by side: what they were made of, and what came out."""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from mining_the_mines.core.hashing import NOTHING
from mining_the_mines.ledger.records import CodeState, DatasetState, Environment, NodeRecord, RunRecord

Verdict = Literal["equal", "close", "different", "missing", "new"]

#: How far figures may be apart where an accelerator took part: it adds in another order each time, and networks carry
#: last digits on to the second or third decimal of a score.
GPU_TOLERANCE: Final = 0.01
#: How a verdict weighs: nothing may be different or missing.
_GOOD: frozenset[Verdict] = frozenset({"equal", "close"})
#: Datasets that hold networks, by the last part of their names: a node that has one lets them work.
_NETWORKS: Final = frozenset({"network", "classifier", "segmenter"})
_CPU: Final = "cpu"


@dataclass(frozen=True)
class Difference:
    """Something that a run was made of and that is no longer the same.

    Attributes:
        what: Such as ``code`` or ``data: mine_polygons``.
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


def file_differences(record: RunRecord, now: Mapping[str, str]) -> Iterator[Difference]:
    """Tell which files that parameters name differ, such as a scene that was mapped.

    Args:
        record: Of the run.
        now: Content hash of each of them today, by path.
    """
    for path, held in record.named_files().items():
        if now[path] != held:
            yield Difference(f"data: {path}", _content(held), _content(now[path]))


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


def usual_tolerance(devices: Iterable[str]) -> float:
    """How far figures may be apart if nobody says so.

    Args:
        devices: That networks worked on, in either run.

    Returns:
        0 on a CPU alone, where all are equal to the last digit, or else :data:`GPU_TOLERANCE`.
    """
    return 0.0 if set(devices) <= {_CPU} else GPU_TOLERANCE


def compare_outputs(then: RunRecord, now: RunRecord, inexact: Collection[str] = ()) -> list[Compared]:
    """Compare what the nodes of both runs have written, and the raw data that they have read.

    Args:
        then: The first; what only it wrote counts as missing.
        now: The second.
        inexact: Datasets that may hold other last digits (:func:`inexact_outputs`); all others are equal byte for byte.
    """
    before, after = ({**run.raw_inputs(), **run.outputs()} for run in (then, now))
    return [
        _compare_content(name, before.get(name), after.get(name), inexact=name in inexact)
        for name in sorted({*before, *after})
    ]


def inexact_outputs(*runs: RunRecord) -> frozenset[str]:
    """Name what networks had a part in while an accelerator was there, and all that was made of it.

    Raw inputs, and what is made without networks, as scenes, chips, folds and features are, is never among it.

    Args:
        runs: In all of which a dataset must be exact to count as such.
    """
    found: set[str] = set()
    for run in runs:
        for node in run.nodes:  # in the order in which they ran
            if _on_accelerator(node) or any(state.dataset in found for state in node.inputs):
                found.update(state.dataset for state in node.outputs)
    return frozenset(found)


def all_agree(metrics: Iterable[Compared], outputs: Iterable[Compared]) -> bool:
    """Whether a second run gave what the first had.

    Files of which only last digits may differ need figures that vouch for them: where there are none, all files have
    to be equal.

    Args:
        metrics: All figures of both.
        outputs: All that both have read or written.
    """
    figures = list(metrics)
    vouched = all(row.agrees for row in figures)
    return vouched and all(row.agrees if figures else row.verdict == "equal" for row in outputs)


def _compare_content(name: str, then: DatasetState | None, now: DatasetState | None, *, inexact: bool) -> Compared:
    first, second = ("" if state is None else state.content_hash for state in (then, now))
    if first == second:
        verdict: Verdict = "equal"
    elif first and second:
        verdict = "close" if inexact else "different"
    else:
        verdict = "missing" if first else "new"
    return Compared(name, first, second, verdict)


def _on_accelerator(node: NodeRecord) -> bool:
    has_network = any(state.dataset.rpartition(".")[2] in _NETWORKS for state in (*node.inputs, *node.outputs))
    return has_network and node.environment.device != _CPU


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
