"""Hash of the code that a result depends on: a change of the code makes kept results stale, a new comment does not."""

import ast
import importlib.util
from functools import cache
from pathlib import Path
from typing import Final

import grimp

from mining_the_mines.core.hashing import hash_bytes, hash_file, hash_values

#: Only modules of this package count; the lock file pins all others.
PACKAGE: Final = "mining_the_mines"


@cache
def code_hash(module: str, leave_out: tuple[str, ...] = ()) -> str:
    """Hash a module and all modules of this package that it imports, directly or indirectly.

    Comments, layout and docstrings do not count. Files beside a module that are not Python, such as templates and
    tables, count for all modules of their folder.

    Args:
        module: Full name of the module.
        leave_out: Full names of modules and packages that cannot change the result, such as progress bars.

    Returns:
        SHA-256 as 64 hexadecimal digits. It may differ between versions of Python.
    """
    imported = _imported(module, leave_out)
    files = {name: _source(name) for name in imported}
    beside = {file for path in files.values() for file in _files_beside(path)}
    return hash_values(
        [
            {name: _file_hash(path) for name, path in files.items()},
            {file.relative_to(_root()).as_posix(): hash_file(file) for file in beside},
        ]
    )


def module_files(module: str) -> list[str]:
    """List the files that a module needs to be imported without the rest of this package.

    Args:
        module: Full name of the module.

    Returns:
        Paths below the package's folder, with slashes: the module, all modules of this package that it imports, and the
        packages around them.
    """
    names = _imported(module, ())
    packages = {name.rsplit(".", count)[0] for name in names for count in range(1, name.count(".") + 1)}
    return sorted(_source(name).relative_to(_root()).as_posix() for name in names | packages)


def is_own(module: str) -> bool:
    """Whether a module is a part of this package."""
    return module in _graph().modules


def _imported(module: str, leave_out: tuple[str, ...]) -> set[str]:
    found: set[str] = set()
    waiting = {module}
    while waiting:
        name = waiting.pop()
        if not any(name == part or name.startswith(f"{part}.") for part in leave_out):
            found.add(name)
            waiting |= _graph().find_modules_directly_imported_by(name) - found
    return found


@cache
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph(PACKAGE, cache_dir=None)


@cache
def _root() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(PACKAGE)
    return Path(spec.origin).parent


def _source(module: str) -> Path:
    place = _root().joinpath(*module.split(".")[1:])
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


@cache
def _files_beside(source: Path) -> tuple[Path, ...]:
    return tuple(path for path in source.parent.iterdir() if path.is_file() and path.suffix not in {".py", ".pyc"})


@cache
def _file_hash(source: Path) -> str:
    return statements_hash(source.read_text(encoding="utf-8"))


def statements_hash(source: str) -> str:
    """Hash the statements of a module without comments, layout and docstrings.

    Args:
        source: Text of the module.

    Returns:
        SHA-256 as 64 hexadecimal digits.
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [part for part in body if not _is_text(part)] or [ast.Pass()]  # type: ignore[attr-defined]
    return hash_bytes(ast.unparse(tree).encode())


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
