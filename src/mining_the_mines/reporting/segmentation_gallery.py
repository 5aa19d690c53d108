"""The gallery of outlines: chips by how well their mines are outlined, each beside truth and prediction."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from mining_the_mines.reporting.formatting import decimal, hectares
from mining_the_mines.reporting.overlay import enlarge, outline_overlay
from mining_the_mines.reporting.pictures import inline_photograph
from mining_the_mines.reporting.report_data import OutlineKind, OutlineTile

#: Mistakes first: they teach more.
KINDS: MappingProxyType[OutlineKind, tuple[str, str]] = MappingProxyType(
    {
        "worst": ("Mines outlined worst", "the least overlap of all"),
        "false": ("Outlines where no mine is", "the largest first"),
        "typical": ("Typical mines", "about as many are outlined better as are worse"),
        "best": ("Mines outlined best", "the largest overlap of all"),
    }
)
#: A report must stay small enough to be sent by mail.
_FEW_TILES = 40
_LARGE, _SMALL = 384, 192
#: Smaller chips are enlarged without smoothing: invented sharpness would mislead.
_PIXEL_ART_BELOW = 100


@dataclass(frozen=True)
class OutlineCard:
    """A chip's pictures and the words under them."""

    filename: str
    iou: str
    details: str
    description: str
    photograph: str
    overlay: str
    pixelated: bool


@dataclass(frozen=True)
class OutlineShelf:
    """All cards of one kind."""

    title: str
    explanation: str
    cards: tuple[OutlineCard, ...]


def arrange_outline_gallery(tiles: Sequence[OutlineTile]) -> tuple[OutlineShelf, ...]:
    """Sort tiles onto shelves by kind and encode their pictures.

    Args:
        tiles: Any number, in the order in which they shall stand on their shelf.
    """
    longest = _LARGE if len(tiles) <= _FEW_TILES else _SMALL
    shelves = []
    for kind, (title, explanation) in KINDS.items():
        cards = tuple(_card(tile, longest) for tile in tiles if tile.kind == kind)
        if cards:
            shelves.append(OutlineShelf(title, explanation, cards))
    return tuple(shelves)


def _card(tile: OutlineTile, longest: int) -> OutlineCard:
    details = f"true {hectares(tile.true_hectares)}, outlined {hectares(tile.predicted_hectares)}"
    return OutlineCard(
        filename=tile.filename,
        iou=decimal(tile.iou, 2),
        details=f"{details} · {'test' if tile.split == 'test' else 'out of fold'}",
        description=f"{tile.filename}, {details}, IoU {decimal(tile.iou, 2)}",
        photograph=inline_photograph(enlarge(tile.true_colour, longest)),
        overlay=inline_photograph(outline_overlay(tile.true_colour, tile.truth, tile.predicted, longest)),
        pixelated=max(tile.true_colour.shape[:2]) < _PIXEL_ART_BELOW,
    )
