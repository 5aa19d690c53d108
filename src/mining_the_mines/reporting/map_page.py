"""The page of the interactive map: Leaflet, script, style and data in one file that fetches nothing."""

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from importlib import resources
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

_PACKAGE: Final = "mining_the_mines.reporting"
#: Pictures of Leaflet's style; those of markers are left out, since the map has none.
_IMAGES: Final = ("images/layers.png", "images/layers-2x.png")
_SOURCE_MAP: Final = re.compile(r"\n//# sourceMappingURL=\S+\s*$")
_OTHER_IMAGES: Final = re.compile(r"url\(images/[^)]*\)")


def render_map_page(title: str, content: Mapping[str, Any], tile_origin: str | None) -> str:
    """Render the page.

    A Content-Security-Policy allows the page's own scripts and styles by their hashes, pictures that it holds, and
    those of the tile server if there is one: whatever text the data contain, nothing else is run or fetched.

    Args:
        title: Of the page.
        content: Data of the page's script; JSON without NaN.
        tile_origin: Scheme and host of base tiles, ``None`` for none.

    Returns:
        A whole HTML document.
    """
    scripts = (_SOURCE_MAP.sub("", _read("leaflet/leaflet.js")), _read("templates/map.js"))
    styles = (_leaflet_style(), _read("templates/map.css"))
    environment = Environment(
        loader=PackageLoader(_PACKAGE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    data = {**content, "coastlines": _coastlines()}
    return environment.get_template("map.html.jinja").render(
        title=title,
        policy=_policy(scripts, styles, tile_origin),
        scripts=[Markup(script) for script in scripts],  # noqa: S704 - our own files
        styles=[Markup(style) for style in styles],  # noqa: S704 - our own files
        data=htmlsafe_json_dumps(data, dumps=json.dumps, allow_nan=False, separators=(",", ":")),
    )


def _policy(scripts: tuple[str, ...], styles: tuple[str, ...], tile_origin: str | None) -> str:
    pictures = "data:" if tile_origin is None else f"data: {tile_origin}"
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {_hashes(scripts)}",
            f"style-src {_hashes(styles)}",
            f"img-src {pictures}",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hashes(texts: tuple[str, ...]) -> str:
    digests = (b64encode(sha256(text.encode("utf-8")).digest()).decode("ascii") for text in texts)
    return " ".join(f"'sha256-{digest}'" for digest in digests)


def _leaflet_style() -> str:
    style = _read("leaflet/leaflet.css")
    for image in _IMAGES:
        encoded = b64encode(resources.files(_PACKAGE).joinpath("leaflet", image).read_bytes()).decode("ascii")
        style = style.replace(f"url({image})", f"url(data:image/png;base64,{encoded})")
    return _OTHER_IMAGES.sub("none", style)


def _coastlines() -> dict[str, Any]:
    """Natural Earth's coastlines and borders in whole steps, for orientation when scenes are far apart."""
    topology = json.loads(_read("coastlines.topojson"))
    return {"scale": topology["transform"]["scale"], "arcs": topology["arcs"]}


def _read(name: str) -> str:
    return resources.files(_PACKAGE).joinpath(name).read_text("utf-8")
