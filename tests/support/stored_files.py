"""Records as runs would have written them."""

from collections.abc import Sequence

from mining_the_mines.core.hashing import hash_values
from mining_the_mines.ledger.records import (
    CodeState,
    DatasetState,
    Environment,
    NodeRecord,
    RunRecord,
    RunRequest,
)

CODE = CodeState(commit="a" * 40, dirty=False, diff_hash=None, package_hash="c" * 64)
ENVIRONMENT = Environment(
    lock_hash="d" * 64, python="3.11.7", packages={"torch": "2.15.0"}, platform="Linux x86_64", device="cpu"
)


def state(name: str, content_hash: str = "", path: str | None = "") -> DatasetState:
    """A dataset; by default it lies in data and holds what its name says."""
    place = f"data/{name}" if path == "" else path
    return DatasetState(dataset=name, path=place, content_hash=content_hash or hash_values(name))


def node(
    name: str, inputs: Sequence[str | DatasetState], outputs: Sequence[str | DatasetState], key: str = ""
) -> NodeRecord:
    """A node that has run."""
    return NodeRecord(
        node=name,
        key=key or hash_values(name),
        run_id="1" * 32,
        finished="2026-11-22T12:00:00.000+00:00",
        seconds=1.0,
        function=f"nodes:{name}",
        code_hash="b" * 64,
        code=CODE,
        environment=ENVIRONMENT,
        parameters={},
        inputs=tuple(state(each) if isinstance(each, str) else each for each in inputs),
        outputs=tuple(state(each) if isinstance(each, str) else each for each in outputs),
    )


def run(*nodes: NodeRecord) -> RunRecord:
    """A run of them."""
    return RunRecord(
        run_id="1" * 32,
        request=RunRequest(),
        parameters={},
        catalog_hash="0" * 64,
        code=CODE,
        environment=ENVIRONMENT,
        nodes=nodes,
    )
