"""Pages of a report, read back."""

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

from mining_the_mines.reporting.page import template_environment


class Page(HTMLParser):
    """Elements and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        """Keep text."""
        self.text += data

    def ids(self) -> list[str]:
        """All ids in the order of the page."""
        return [attributes["id"] for _, attributes in self.elements if "id" in attributes]

    def images(self) -> list[dict[str, str]]:
        """Attributes of all images."""
        return [attributes for tag, attributes in self.elements if tag == "img"]


def plain(html: str) -> str:
    """Text of HTML with ordinary spaces and minus signs."""
    text = unescape(re.sub(r"<[^>]*>", " ", html))
    return re.sub(r"\s+", " ", text.replace("\N{MINUS SIGN}", "-")).strip()


def sentences(html: str) -> list[str]:
    """The items of lists, the leading sentence and the caveats, in order."""
    return [
        plain(text) for text in re.findall(r'(?:<li>|<p class="(?:lead|caveat)">)(.*?)</(?:li|p)>', html, re.DOTALL)
    ]


def summary(macro: str, *arguments: Any) -> list[str]:
    """Sentences of a macro of the summary."""
    module: Any = template_environment().get_template("summary.html.jinja").module
    return sentences(getattr(module, macro)(*arguments))


def rendered(template: str, **data: Any) -> str:
    """A template of a part with its data."""
    return template_environment().get_template(template).render(level=0.95, **data)
