"""The gallery of outlines: chips by how well their mines are outlined, each beside truth and prediction."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from mining_the_mines.reporting.formatting import decimal, hectares
from mining_the_mines.reporting.overlay import enlarge, segmentation_overlay
from mining_the_mines.reporting.pictures import inline_photograph
from mining_the_mines.reporting.report_data import OutlineKind, SegmentationTile

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
class SegmentationCard:
    """A chip's pictures and the words under them."""

    filename: str
    iou: str
    details: str
    description: str
    photograph: str
    overlay: str
    pixelated: bool


@dataclass(frozen=True)
class SegmentationShelf:
    """All cards of one kind."""

    title: str
    explanation: str
    cards: tuple[SegmentationCard, ...]


def arrange_segmentation_gallery(tiles: Sequence[SegmentationTile]) -> tuple[SegmentationShelf, ...]:
    """Sort tiles onto shelves by kind and encode their pictures.

    Args:
        tiles: Any number, in the order in which they shall stand on their shelf.
    """
    longest = _LARGE if len(tiles) <= _FEW_TILES else _SMALL
    shelves = []
    for kind, (title, explanation) in KINDS.items():
        cards = tuple(_card(tile, longest) for tile in tiles if tile.kind == kind)
        if cards:
            shelves.append(SegmentationShelf(title, explanation, cards))
    return tuple(shelves)


def _card(tile: SegmentationTile, longest: int) -> SegmentationCard:
    details = f"true {hectares(tile.true_hectares)}, outlined {hectares(tile.predicted_hectares)}"
    return SegmentationCard(
        filename=tile.filename,
        iou=decimal(tile.iou, 2),
        details=f"{details} · {'test' if tile.split == 'test' else 'out of fold'}",
        description=f"{tile.filename}, {details}, IoU {decimal(tile.iou, 2)}",
        photograph=inline_photograph(enlarge(tile.true_colour, longest)),
        overlay=inline_photograph(segmentation_overlay(tile.true_colour, tile.truth, tile.predicted, longest)),
        pixelated=max(tile.true_colour.shape[:2]) < _PIXEL_ART_BELOW,
    )
