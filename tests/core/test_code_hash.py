"""Hashes of the code that results depend on."""

from pathlib import Path

import pytest

from mining_the_mines.core import code_hash as module
from mining_the_mines.core.code_hash import code_hash, is_own
from mining_the_mines.ledger.code import hash_modules

TRAINING = "mining_the_mines.pipelines.training.nodes"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "module.py"


def statements(source: Path, text: str) -> str:
    source.write_text(text, encoding="utf-8")
    module._statements_hash.cache_clear()
    return module._statements_hash(source)


def test_comments_layout_and_docstrings(source: Path) -> None:
    before = statements(source, 'def f(x):\n    """Double."""\n    return 2 * x\n')
    assert statements(source, '# New.\ndef f(x):\n    """Twice."""\n\n    return (2 * x)\n') == before
    assert statements(source, "def f(x):\n    return 3 * x\n") != before


def test_imported_modules() -> None:
    needed = module._imported(TRAINING, ())
    assert "mining_the_mines.chips.packing" in needed
    assert "mining_the_mines.ledger.lineage" not in needed


def test_modules_of_other_packages() -> None:
    assert not is_own("numpy")
    assert hash_modules([TRAINING, "numpy"]) == hash_modules([TRAINING])
    assert code_hash(TRAINING) != code_hash("mining_the_mines.pipelines.mapping.nodes")
