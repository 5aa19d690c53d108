"""What a page says in a few sentences: its title, its questions and their answers."""

from html import escape
from html.parser import HTMLParser
from typing import Final

#: Elements that have no end tag (https://html.spec.whatwg.org, "Void elements"), of those that our pages use.
_VOID: Final = frozenset({"meta", "link", "br", "img", "input", "hr", "path"})


def summarise_page(page: str) -> str:
    """Take the answers out of a page.

    Args:
        page: A report, or a page with a map.

    Returns:
        A piece of HTML without styles, scripts, pictures and links: the title, and under each question of the report
        the sentence that answers it. Text is escaped.
    """
    reader = _Reader()
    reader.feed(page)
    title = reader.heading or reader.title
    return "".join([f"<h2>{escape(title)}</h2>", *(f"<{tag}>{escape(text)}</{tag}>" for tag, text in reader.answers)])


class _Reader(HTMLParser):
    """Gathers title, questions and leading sentences."""

    def __init__(self) -> None:
        super().__init__()
        self.title = ""
        self.heading = ""
        self.answers: list[tuple[str, str]] = []
        self._wanted: str | None = None
        self._depth = 0
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin to listen at an element that is wanted."""
        if self._wanted is not None:
            self._depth += tag not in _VOID
            return
        classes = (dict(attrs).get("class") or "").split()
        if tag in {"title", "h1"}:
            self._wanted = tag
        elif "question" in classes:
            self._wanted = "h3"
        elif "lead" in classes:
            self._wanted = "p"

    def handle_endtag(self, tag: str) -> None:
        """Keep what was heard."""
        if self._wanted is None:
            return
        if self._depth:
            self._depth -= tag not in _VOID
            return
        text, wanted = " ".join("".join(self._text).split()), self._wanted
        self._text, self._wanted = [], None
        if wanted == "title":
            self.title = self.title or text
        elif wanted == "h1":
            self.heading = self.heading or text
        else:
            self.answers.append((wanted, text))

    def handle_data(self, data: str) -> None:
        """Listen."""
        if self._wanted is not None:
            self._text.append(data)
