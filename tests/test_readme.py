"""Pictures and relative links of the README lead to files; Sphinx checks those of docs/."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
PAGES = [PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
#: ``[text](target)`` and ``![text](target "title")``, reference links, and HTML.
TARGETS = re.compile(r"""\]\(\s*<?([^)\s>]+)|^\[[^\]]+\]:\s*<?([^\s>]+)|\b(?:src|href)=["']([^"']+)""", re.MULTILINE)
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//|#")
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def targets(text: str) -> set[str]:
    """Files that a page of Markdown names, as seen from the page."""
    named = {"".join(found) for found in TARGETS.findall(CODE.sub("", text))}
    return {target.partition("#")[0] for target in named if not ELSEWHERE.match(target)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_links(page: Path) -> None:
    named = targets(page.read_text(encoding="utf-8"))
    assert {target for target in named if not (page.parent / target).exists()} == set()


def test_kinds_of_links() -> None:
    text = """![The map](docs/map.jpg "A map") and [docs](docs/cluster.md#slurm), [here](#here), [there](https://a.b/c),
`[code](no.md)` <img src="docs/report.png"> [known]

[known]: CONTRIBUTING.md
```
[code](no.md)
```
"""
    assert targets(text) == {"docs/map.jpg", "docs/cluster.md", "docs/report.png", "CONTRIBUTING.md"}
