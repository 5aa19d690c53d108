"""State of the working tree: commit and uncommitted changes."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mining_the_mines.core.hashing import hash_file

#: Heads the list of untracked files that the diff does not contain.
_UNTRACKED: Final = "Untracked files that this diff does not contain, with their SHA-256:"
#: Untracked files are part of the diff if they are text and smaller than this.
_MAX_BYTES: Final = 1_000_000
#: Untracked files in the diff, each of which costs one call of git.
_MAX_FILES: Final = 500
#: Options that make the diff one that ``git apply`` takes, whatever the user's configuration.
_PLAIN: Final = (
    *("--no-ext-diff", "--no-textconv", "--no-color", "--binary", "--full-index", "--unified=3"),
    *("--src-prefix=a/", "--dst-prefix=b/"),
)


@dataclass(frozen=True)
class GitState:
    """State of a working tree.

    Attributes:
        commit: SHA-1 of the commit; ``unknown`` outside a checkout.
        dirty: Whether the tree differs from the commit; ``None`` outside a checkout.
        diff: The difference as ``git apply`` takes it, with untracked text files, followed by a list of other untracked
            files and their hashes. Empty if the tree is clean.
    """

    commit: str
    dirty: bool | None
    diff: str

    @property
    def tags(self) -> dict[str, str]:
        """Tags for a tracked run."""
        dirty = "unknown" if self.dirty is None else str(self.dirty).lower()
        return {"git_commit": self.commit, "git_dirty": dirty}


def read_git_state(folder: Path) -> GitState:
    """Read the state of the working tree that a folder lies in.

    Args:
        folder: Any folder.
    """
    try:
        top = Path(_git(folder, "rev-parse", "--show-toplevel").decode().strip())
        commit = _git(top, "rev-parse", "HEAD").decode().strip()
        diff = _git(top, "diff", "HEAD", *_PLAIN).decode(errors="replace")
        listed = _git(top, "ls-files", "-z", "--others", "--exclude-standard").split(b"\0")
    except (OSError, subprocess.CalledProcessError):  # no git, no checkout, or no commit yet
        return GitState("unknown", dirty=None, diff="")
    untracked = [name for name in map(os.fsdecode, listed) if name and (top / name).is_file()]
    texts = [name for name in untracked if name != "-" and _is_short_text(top / name)][:_MAX_FILES]
    diff += "".join(_diff_of_new(top, name) for name in texts)
    others = [f"{_hash(top / name)}  {_printable(name)}" for name in untracked if name not in set(texts)]
    if others:
        diff += "\n".join([_UNTRACKED, *others, ""])
    return GitState(commit, dirty=bool(diff), diff=diff)


def _is_short_text(file: Path) -> bool:
    try:
        if file.is_symlink() or file.stat().st_size >= _MAX_BYTES:
            return False
        return "\0" not in file.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return False


def _diff_of_new(top: Path, name: str) -> str:
    """The diff that creates an untracked file; attributes that call it binary do not count."""
    # git exits with 1 where files differ.
    return _git(top, "diff", "--no-index", "--text", *_PLAIN, "--", os.devnull, name, check=False).decode(
        errors="replace"
    )


def _hash(file: Path) -> str:
    try:
        return hash_file(file)
    except OSError:  # removed in the meantime, or not readable for this user
        return "unread"


def _printable(name: str) -> str:
    return os.fsencode(name).decode(errors="replace").replace("\n", " ")


def _git(folder: Path, *arguments: str, check: bool = True) -> bytes:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, check=check, stdin=subprocess.DEVNULL).stdout  # noqa: S603 - fixed words
