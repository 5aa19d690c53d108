"""Pages with a web map: their settings, and the one HTML file that opens in any browser without a network."""

import json
import math
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib import resources
from typing import Any, Final
from urllib.parse import urlsplit

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, Field, model_validator

from mining_the_mines.reporting.page import template_environment

_PACKAGE: Final = "mining_the_mines.reporting"
#: Pictures of Leaflet's style; those of markers are left out, since the maps have none.
_IMAGES: Final = ("images/layers.png", "images/layers-2x.png")
_SOURCE_MAP: Final = re.compile(r"\n//# sourceMappingURL=\S+\s*$")
_OTHER_IMAGES: Final = re.compile(r"url\(images/[^)]*\)")
#: Pixels of all pictures of a page together; browsers hold four bytes a pixel, twice.
_MOST_PIXELS: Final = 24_000_000
_LEAST_SIDE: Final = 320


class WebMapSettings(BaseModel):
    """Contents of a page with a web map."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tiles: str | None = Field(
        None,
        description=(
            "Address of base tiles, such as https://tiles.example.org/{z}/{x}/{y}.png; null for none: then nothing is "
            "ever fetched. With tiles, their server learns who looks where."
        ),
    )
    tiles_attribution: str = Field("", description="Attribution that the licence of the tiles asks for, as plain text.")
    tiles_maximum_zoom: int = Field(19, ge=1, le=24, description="Beyond this zoom, tiles are enlarged.")
    attribution: str = Field(
        "",
        description="Attribution that the licence of the scenes asks for: for Sentinel-2, 'Contains modified "
        "Copernicus Sentinel data' and the year.",
    )
    picture_pixels: int = Field(
        1600, ge=64, le=8192, description="Longest side of a picture; less where there are many."
    )

    @model_validator(mode="after")
    def _tiles_have_an_address(self) -> "WebMapSettings":
        if self.tiles is not None and tile_origin(self.tiles) is None:
            raise ValueError(
                f"tiles is {self.tiles!r}, which is no address of tiles: give one such as "
                "https://tiles.example.org/{z}/{x}/{y}.png, or null."
            )
        if self.tiles is not None and not self.tiles_attribution:
            raise ValueError("tiles need tiles_attribution, the attribution that their licence asks for.")
        return self

    def picture_side(self, pictures: int) -> int:
        """Choose the size of pictures.

        Args:
            pictures: Number of pictures of the page.

        Returns:
            Longest side in pixels, less with many pictures, so that the page still opens.
        """
        fair = int(math.sqrt(_MOST_PIXELS / max(1, pictures)))
        return min(self.picture_pixels, max(_LEAST_SIDE, fair))


def tile_origin(template: str) -> str | None:
    """Find the origin of an address of tiles.

    Args:
        template: With ``{z}``, ``{x}``, ``{y}``, and ``{s}`` for subdomains.

    Returns:
        Scheme and host as a Content-Security-Policy has them; ``None`` if it is no such address.
    """
    address = urlsplit(template)
    host = address.netloc.replace("{s}.", "*.")
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789.-:")
    usable = address.scheme in {"https", "http"} and host and set(host.lower().removeprefix("*.")) <= allowed
    named = all(place in address.path + address.query for place in ("{z}", "{x}", "{y}"))
    return f"{address.scheme}://{host}" if usable and named else None


def base_map(settings: WebMapSettings) -> dict[str, Any]:
    """Collect the data of the map below the layers: tiles, attribution and coastlines."""
    topology = json.loads(read_asset("coastlines.topojson"))
    return {
        "tiles": settings.tiles
        and {
            "url": settings.tiles,
            "attribution": settings.tiles_attribution,
            "maximumZoom": settings.tiles_maximum_zoom,
        },
        "attribution": settings.attribution,
        "coastlines": {"scale": topology["transform"]["scale"], "arcs": topology["arcs"]},
    }


def render_web_map(
    name: str,
    title: str,
    data: Mapping[str, Any],
    settings: WebMapSettings,
    further_scripts: Sequence[str] = (),
    verified: Sequence[str] = (),
) -> str:
    """Render a page with its scripts, styles and data inside.

    A Content-Security-Policy allows the page's own scripts and styles by their hashes, pictures that it holds, and
    those of the tile server if there is one: whatever text the data contain, nothing else is run or fetched.

    Args:
        name: Name of the page's template, script and style.
        title: Title of the page.
        data: JSON values by the id of their element; each is parsed when the page first needs it.
        settings: Contents of the page.
        further_scripts: Names of scripts that run before the page's own.
        verified: Sentences on verified areas.

    Returns:
        A whole HTML document.
    """
    own = [read_asset(f"templates/{script}.js") for script in ("map_base", "polygon_layer", *further_scripts, name)]
    scripts = [_SOURCE_MAP.sub("", read_asset("leaflet/leaflet.js")), *own]
    styles = [_leaflet_style(), *(read_asset(f"templates/{style}.css") for style in dict.fromkeys(("map", name)))]
    pictures = "data:" if settings.tiles is None else f"data: {tile_origin(settings.tiles)}"
    blocks = {
        block: htmlsafe_json_dumps(value, dumps=json.dumps, allow_nan=False, separators=(",", ":"))
        for block, value in data.items()
    }
    return (
        template_environment()
        .get_template(f"{name}.html.jinja")
        .render(
            title=title,
            policy=f"default-src 'none'; script-src {policy_hashes(scripts)}; style-src {policy_hashes(styles)}; "
            f"img-src {pictures}; base-uri 'none'; form-action 'none'",
            scripts=[Markup(script) for script in scripts],  # noqa: S704 - our own files
            styles=[Markup(style) for style in styles],  # noqa: S704 - our own files
            data=blocks,
            verified=verified,
        )
    )


def policy_hashes(texts: Sequence[str]) -> str:
    """Hashes of inline scripts or styles, as a Content-Security-Policy allows them."""
    digests = (b64encode(sha256(text.encode("utf-8")).digest()).decode("ascii") for text in texts)
    return " ".join(f"'sha256-{digest}'" for digest in digests)


def _leaflet_style() -> str:
    style = read_asset("leaflet/leaflet.css")
    for image in _IMAGES:
        encoded = b64encode(resources.files(_PACKAGE).joinpath("leaflet", image).read_bytes()).decode("ascii")
        style = style.replace(f"url({image})", f"url(data:image/png;base64,{encoded})")
    return _OTHER_IMAGES.sub("none", style)


def read_asset(name: str) -> str:
    """Read a script, style or other text file of the package."""
    return resources.files(_PACKAGE).joinpath(name).read_text("utf-8")
