"""The review as one file that opens in any browser, without a server and without a network."""

import base64
from pathlib import Path
from typing import Final

from mining_the_mines.core.atomic import whole_file
from mining_the_mines.core.hashing import hash_values
from mining_the_mines.core.progress import Progress, silent
from mining_the_mines.reporting.web_map import policy_hashes
from mining_the_mines.review.server import PAGE_FOLDER, render_page
from mining_the_mines.review.session import ReviewSession

_STYLE: Final = "review.css"
_SCRIPTS: Final = ("static.js", "review.js")


def write_static_page(session: ReviewSession, path: Path, progress: Progress = silent) -> None:
    """Write the review of all places as one HTML file. The map's answers are not in it.

    Args:
        session: The review.
        path: The file.
        progress: Is shown the places.

    Raises:
        BadInputError: An image can't be read.
        UnwritableError: The file can't be written.
    """
    places = []
    for number in progress(range(len(session)), "Drawing pictures"):
        place = session.describe(number) | {"images": session.image_ids(number)}
        for view in place["views"]:
            drawn = session.picture(number, view["name"]) or b""
            view["url"] = "data:image/webp;base64," + base64.b64encode(drawn).decode("ascii")
        places.append(place)
    style = (PAGE_FOLDER / _STYLE).read_text(encoding="utf-8")
    script = "\n".join((PAGE_FOLDER / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    policy = (
        f"default-src 'none'; script-src {policy_hashes([script])}; style-src {policy_hashes([style])}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    review = hash_values([[place["place_id"], place["images"]] for place in places])[:16]
    page = render_page({"places": places, "review": review}, style=style, script=script, policy=policy)
    with whole_file(path) as draft:
        draft.write_text(page, encoding="utf-8")
