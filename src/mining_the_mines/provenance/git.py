"""What git says of the code."""

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: Heads the list of files that a diff says nothing of.
_UNTRACKED: Final = "Files that git does not know:"


@dataclass(frozen=True)
class GitState:
    """The state of a working tree.

    Attributes:
        commit: ``unknown`` outside a checkout.
        dirty: Whether the tree differs from it; ``None`` where nobody knows.
        diff: How, with a list of the files that git does not know and their hashes; empty if it does not.
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
        diff = _git(top, "diff", "HEAD", "--no-ext-diff", "--no-color", "--binary")
        unknown = _git(top, "ls-files", "--others", "--exclude-standard").splitlines()
    except (OSError, subprocess.CalledProcessError):  # no git, no checkout, or no commit yet
        return GitState("unknown", dirty=None, diff="")
    if unknown:
        listed = [f"{_hash_file(top / name)}  {name}" for name in unknown if (top / name).is_file()]
        diff += "\n".join([_UNTRACKED, *listed, ""])
    return GitState(commit, dirty=bool(diff), diff=diff)


def _hash_file(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=True)  # noqa: S603, S607 - fixed words
    return done.stdout.decode(errors="replace")
