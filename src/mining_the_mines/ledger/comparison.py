"""Comparison of two runs: code, environment, parameters and data first, then metrics and outputs."""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from mining_the_mines.core.hashing import NOTHING, hash_values
from mining_the_mines.ledger.recorder import IGNORED_FIELDS
from mining_the_mines.ledger.records import CodeState, DatasetState, Environment, NodeRecord, RunRecord

Verdict = Literal["equal", "close", "different", "missing", "new"]

#: Tolerance of metrics where an accelerator took part: it adds in another order each time, and networks carry the last
#: digits to the second or third decimal of a score.
GPU_TOLERANCE: Final = 0.01
_AGREES: Final[frozenset[Verdict]] = frozenset({"equal", "close"})
_CPU: Final = "cpu"
#: Entries of a catalog that are factories, for all datasets of a pattern.
_PATTERN: Final = "{"
_DIGITS: Final = 12


@dataclass(frozen=True)
class Difference:
    """A difference in what two runs were made from.

    Attributes:
        what: Such as ``code`` or ``data: mine_polygons``.
        then: Value in the first run.
        now: Value today.
    """

    what: str
    then: str
    now: str

    def __str__(self) -> str:
        return f"{self.what}: {self.then} then, {self.now} now"


@dataclass(frozen=True)
class Compared:
    """A metric or dataset of two runs.

    Attributes:
        name: Name of the metric or dataset.
        then: Value or content hash in the first run; empty if missing.
        now: The same in the second run.
        verdict: Result of the comparison.
    """

    name: str
    then: str
    now: str
    verdict: Verdict

    @property
    def agrees(self) -> bool:
        """Whether the second run reproduced the first."""
        return self.verdict in _AGREES


def code_differences(then: CodeState, now: CodeState) -> Iterator[Difference]:
    """Compare the package's files; commits that change none of them do not count."""
    if then.package_hash != now.package_hash:
        yield Difference("code", _describe_code(then), _describe_code(now))


def environment_differences(then: Environment, now: Environment) -> Iterator[Difference]:
    """Compare packages, threads and Python's minor version; a device changes last digits only."""
    if then.lock_hash != now.lock_hash:
        yield Difference("lock file", _short(then.lock_hash), _short(now.lock_hash))
    for package, version in then.packages.items():
        if now.packages.get(package) != version:
            yield Difference(f"package {package}", version, now.packages.get(package, "none"))
    if None not in (then.threads, now.threads) and then.threads != now.threads:
        yield Difference("threads (OMP_NUM_THREADS)", str(then.threads), str(now.threads))
    if then.python.split(".")[:2] != now.python.split(".")[:2]:
        yield Difference("Python", then.python, now.python)


def data_differences(record: RunRecord, now: Mapping[str, str]) -> Iterator[Difference]:
    """Compare the raw inputs of a run with their content hashes today, by dataset."""
    for name, state in record.raw_inputs().items():
        if now[name] != state.content_hash:
            place = f" ({state.path})" if state.path else ""
            yield Difference(f"data: {name}{place}", _content(state.content_hash), _content(now[name]))


def file_differences(record: RunRecord, now: Mapping[str, str]) -> Iterator[Difference]:
    """Compare the files that a run's parameters name with their hashes today, by path."""
    for path, held in record.named_files().items():
        if now[path] != held:
            yield Difference(f"data: {path}", _content(held), _content(now[path]))


def parameter_differences(then: Any, now: Any, name: str = "") -> Iterator[Difference]:  # noqa: ANN401 - plain values
    """Compare parameters, which are named with dots."""
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        for key in sorted({*then, *now}, key=str):
            inner = f"{name}.{key}" if name else str(key)
            yield from parameter_differences(then.get(key), now.get(key), inner)
    elif _as_json(then) != _as_json(now):
        yield Difference(f"parameter {name}", str(then), str(now))


def hash_entries(catalog: Mapping[str, Any]) -> dict[str, str]:
    """SHA-256 of each catalog entry without the fields that change nothing in the data."""
    return {name: hash_values(_without_ignored(entry)) for name, entry in catalog.items()}


def catalog_differences(record: RunRecord, catalog: Mapping[str, Any]) -> Iterator[Difference]:
    """Compare the entries of datasets that a run read or wrote.

    Args:
        record: Record of the run; older ones have one hash of the whole catalog and name no entry.
        catalog: Configuration of the catalog today, by dataset.
    """
    if not record.catalog_entries:
        now = hash_values(catalog)
        if now != record.catalog_hash:
            yield Difference("catalog", record.catalog_hash[:_DIGITS], now[:_DIGITS])
        return
    used = {state.dataset for node in record.nodes for state in (*node.inputs, *node.outputs)}
    entries = hash_entries(catalog)
    for name in sorted({*record.catalog_entries, *entries}):
        then, today = (known.get(name, "none") for known in (record.catalog_entries, entries))
        if then != today and (name in used or _PATTERN in name):
            yield Difference(f"catalog: {name}", then[:_DIGITS], today[:_DIGITS])


def compare_metrics(then: Mapping[str, float], now: Mapping[str, float], tolerance: float) -> list[Compared]:
    """Compare the metrics of two runs.

    Args:
        then: Metrics of the first run, by name.
        now: Metrics of the second run.
        tolerance: Absolute difference that counts as close; 0 to ask for equality to the last digit.
    """
    rows = []
    for name in sorted({*then, *now}):
        first, second = then.get(name), now.get(name)
        rows.append(Compared(name, _digits(first), _digits(second), _metric_verdict(first, second, tolerance)))
    return rows


def usual_tolerance(devices: Iterable[str]) -> float:
    """Tolerance of metrics by the devices of both runs: 0 on a CPU, :data:`GPU_TOLERANCE` on an accelerator."""
    return 0.0 if set(devices) <= {_CPU} else GPU_TOLERANCE


def compare_outputs(then: RunRecord, now: RunRecord, inexact: Collection[str] = ()) -> list[Compared]:
    """Compare the outputs and raw inputs of two runs by content.

    Args:
        then: The first run; a dataset that only it has is missing.
        now: The second run.
        inexact: Datasets that may differ in the last digits; see :func:`inexact_outputs`.
    """
    before, after = ({**run.raw_inputs(), **run.outputs()} for run in (then, now))
    return [
        _compare_content(name, before.get(name), after.get(name), inexact=name in inexact)
        for name in sorted({*before, *after})
    ]


def inexact_outputs(networks: Collection[str], *runs: RunRecord) -> frozenset[str]:
    """Name the datasets that networks on an accelerator computed, and all that was made from them.

    Args:
        networks: Datasets that hold networks, as the catalog's metadata say: a node that has one runs networks.
        runs: Runs; a dataset is exact only if it is exact in all of them.
    """
    found: set[str] = set()
    for run in runs:
        for node in run.nodes:  # in the order in which they ran
            if _on_accelerator(node, networks) or any(state.dataset in found for state in node.inputs):
                found.update(state.dataset for state in node.outputs)
    return frozenset(found)


def all_agree(metrics: Iterable[Compared], outputs: Iterable[Compared]) -> bool:
    """Whether a second run reproduced the first.

    A file that is only close needs metrics that agree; without metrics every file must be equal.
    """
    figures = list(metrics)
    return all(row.agrees for row in figures) and all(
        row.agrees if figures else row.verdict == "equal" for row in outputs
    )


def _compare_content(name: str, then: DatasetState | None, now: DatasetState | None, *, inexact: bool) -> Compared:
    first, second = ("" if state is None else state.content_hash for state in (then, now))
    if first == second:
        verdict: Verdict = "equal"
    elif first and second:
        verdict = "close" if inexact else "different"
    else:
        verdict = "missing" if first else "new"
    return Compared(name, first, second, verdict)


def _on_accelerator(node: NodeRecord, networks: Collection[str]) -> bool:
    has_network = any(state.dataset in networks for state in (*node.inputs, *node.outputs))
    return has_network and node.environment.device != _CPU


def _metric_verdict(then: float | None, now: float | None, tolerance: float) -> Verdict:
    if then is None:
        return "new"
    if now is None:
        return "missing"
    if then == now or (math.isnan(then) and math.isnan(now)):
        return "equal"
    return "close" if abs(then - now) <= tolerance else "different"


def _digits(value: float | None) -> str:
    return "" if value is None else repr(value)


def _describe_code(code: CodeState) -> str:
    changed = ", uncommitted changes" if code.dirty else ""
    return f"package {code.package_hash[:_DIGITS]} (commit {code.commit[:_DIGITS]}{changed})"


def _content(content_hash: str) -> str:
    return "nothing" if content_hash == NOTHING else content_hash[:_DIGITS]


def _short(value: str | None) -> str:
    return value[:_DIGITS] if value else "none"


def _as_json(value: Any) -> Any:  # noqa: ANN401 - JSON knows no tuples
    return list(value) if isinstance(value, tuple) else value


def _without_ignored(entry: Any) -> Any:  # noqa: ANN401 - as YAML has it
    if not isinstance(entry, Mapping):
        return entry
    return {part: value for part, value in entry.items() if part not in IGNORED_FIELDS}
