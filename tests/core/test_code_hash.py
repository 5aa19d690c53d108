"""Hashes of the code that results depend on."""

from mining_the_mines.core.code_hash import code_hash, is_own, module_files, statements_hash
from mining_the_mines.ledger.code import hash_modules

TRAINING = "mining_the_mines.pipelines.training.nodes"


def test_comments_layout_and_docstrings() -> None:
    before = statements_hash('def f(x):\n    """Double."""\n    return 2 * x\n')
    assert statements_hash('# New.\ndef f(x):\n    """Twice."""\n\n    return (2 * x)\n') == before
    assert statements_hash("def f(x):\n    return 3 * x\n") != before


def test_imported_modules() -> None:
    needed = module_files(TRAINING)
    assert "chips/packing.py" in needed
    assert "ledger/lineage.py" not in needed


def test_modules_of_other_packages() -> None:
    assert not is_own("numpy")
    assert hash_modules([TRAINING, "numpy"]) == hash_modules([TRAINING])
    assert code_hash(TRAINING) != code_hash("mining_the_mines.pipelines.mapping.nodes")
