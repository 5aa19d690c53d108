"""Hash of the code that a result depends on: a change of the code makes kept results stale, a new comment does not."""

import ast
import hashlib
import importlib.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

#: Only modules of this package count; the lock file pins all others.
_PACKAGE: Final = "mining_the_mines"
#: Suffix of the tables that modules read from their own folder.
_TABLES: Final = ".csv"


@cache
def code_hash(module: str, leave_out: tuple[str, ...] = ()) -> str:
    """Hash a module and all modules of this package that it imports, directly or through others.

    Layout, comments, docstrings and type annotations of imports do not count.

    Args:
        module: Full name of the module.
        leave_out: Full names of modules and packages that cannot change the result, such as progress bars.

    Returns:
        SHA-256 as 64 hexadecimal digits. It may differ between versions of Python.
    """
    content = hashlib.sha256()
    folders = set()
    for name, path in sorted(_imported(module, leave_out).items()):
        folders.add(path.parent)
        content.update(f"{name}\0{_statements(path)}\0".encode())
    for table in sorted(file for folder in folders for file in folder.glob(f"*{_TABLES}")):
        content.update(table.read_bytes())
    return content.hexdigest()


def _imported(module: str, leave_out: tuple[str, ...]) -> dict[str, Path]:
    """Names and files of a module and of all that it imports from the package."""
    found: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in found or any(name == part or name.startswith(f"{part}.") for part in leave_out):
            continue
        found[name] = _source(name)
        waiting += _imports(found[name])
    return found


def _source(module: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(module)
    return Path(spec.origin)


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(f"{_PACKAGE}."):
            yield node.module


def _statements(path: Path) -> str:
    """A module's statements without comments, layout and docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [part for part in body if not _is_text(part)] or [ast.Pass()]  # type: ignore[attr-defined]
    return ast.unparse(tree)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
