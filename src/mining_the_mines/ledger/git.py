"""What git says of the code."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mining_the_mines.core.hashing import hash_file

#: Heads the list of files that a diff says nothing of.
_UNTRACKED: Final = "Files that git does not know, and their SHA-256:"
#: Files that git does not know stand in the diff if they are text, and smaller than this.
_MOST_BYTES: Final = 1_000_000
#: So many of them at most: git is asked for each.
_MOST_FILES: Final = 500
#: However somebody has set git up, the diff is one that ``git apply`` takes.
_PLAINLY: Final = (
    *("--no-ext-diff", "--no-textconv", "--no-color", "--binary", "--full-index", "--unified=3"),
    *("--src-prefix=a/", "--dst-prefix=b/"),
)


@dataclass(frozen=True)
class GitState:
    """The state of a working tree.

    Attributes:
        commit: ``unknown`` outside a checkout.
        dirty: Whether the tree differs from it; ``None`` where nobody knows.
        diff: How, as ``git apply`` takes it, with the texts that git does not know; after it stands a list of further
            files that it does not know and their hashes. Empty if the tree does not differ.
    """

    commit: str
    dirty: bool | None
    diff: str

    @property
    def tags(self) -> dict[str, str]:
        """Commit and difference in words."""
        dirty = "unknown" if self.dirty is None else str(self.dirty).lower()
        return {"git_commit": self.commit, "git_dirty": dirty}


def read_git_state(folder: Path) -> GitState:
    """Read the state of the working tree that a folder lies in.

    Args:
        folder: Any folder.
    """
    try:
        top = Path(_git(folder, "rev-parse", "--show-toplevel").strip())
        commit = _git(top, "rev-parse", "HEAD").strip()
        diff = _git(top, "diff", "HEAD", *_PLAINLY)
        unknown = _unknown(top)
    except (OSError, subprocess.CalledProcessError):  # no git, no checkout, or no commit yet
        return GitState("unknown", dirty=None, diff="")
    # A minus would be standard input.
    texts = [name for name in unknown if name != "-" and _is_short_text(top / name)][:_MOST_FILES]
    diff += "".join(_as_new(top, name) for name in texts)
    others = [f"{_hash(top / name)}  {_shown(name)}" for name in unknown if name not in set(texts)]
    if others:
        diff += "\n".join([_UNTRACKED, *others, ""])
    return GitState(commit, dirty=bool(diff), diff=diff)


def _unknown(top: Path) -> list[str]:
    """Files that git does not know, by their path from the top; checkouts within the checkout are left out."""
    done = _run(top, "ls-files", "-z", "--others", "--exclude-standard")
    names = [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]
    return [name for name in names if (top / name).is_file()]


def _is_short_text(file: Path) -> bool:
    try:
        if file.is_symlink() or file.stat().st_size >= _MOST_BYTES:
            return False
        return "\0" not in file.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return False


def _as_new(top: Path, name: str) -> str:
    """A file that git does not know as a diff that makes it; attributes that call it binary don't count."""
    done = _run(top, "diff", "--no-index", "--text", *_PLAINLY, "--", os.devnull, name, check=False)
    return done.stdout.decode(errors="replace")


def _hash(file: Path) -> str:
    try:
        return hash_file(file)
    except OSError:  # gone meanwhile, or not for this user's eyes
        return "unread"


def _shown(name: str) -> str:
    return os.fsencode(name).decode(errors="replace").replace("\n", " ")


def _git(folder: Path, *arguments: str) -> str:
    return _run(folder, *arguments).stdout.decode(errors="replace")


def _run(folder: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    """Ask git; whoever does not check takes 1 for an answer, that files differ."""
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, check=check, stdin=subprocess.DEVNULL)  # noqa: S603 - fixed words
