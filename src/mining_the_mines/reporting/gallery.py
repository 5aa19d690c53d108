"""The gallery: chips by outcome, each beside what the model looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from mining_the_mines.reporting.formatting import category_title, decimal
from mining_the_mines.reporting.pictures import attention_overlay, inline_photograph, shrink
from mining_the_mines.reporting.report_data import GalleryTile, Outcome

#: Mistakes first: they teach more.
OUTCOMES: MappingProxyType[Outcome, tuple[str, str]] = MappingProxyType(
    {
        "FN": ("Missed mines", "a mine is there, the model stays below the threshold"),
        "FP": ("False alarms", "no mine is there, the model says so nevertheless"),
        "TP": ("Mines found", "rightly called mines"),
        "TN": ("Rightly left alone", "no mine there, none called"),
    }
)
#: Pictures of small galleries may be larger; a report must stay small enough to be sent by mail.
_FEW_PICTURES = 80
_LARGE, _SMALL = 256, 144
#: Smaller chips are enlarged without smoothing: invented sharpness would mislead.
_PIXEL_ART_BELOW = 100


@dataclass(frozen=True)
class Card:
    """A chip's pictures and the words under them."""

    filename: str
    probability: str
    details: str
    description: str
    photograph: str
    overlay: str | None
    pixelated: bool


@dataclass(frozen=True)
class Shelf:
    """All cards of one outcome."""

    title: str
    explanation: str
    cards: tuple[Card, ...]


def arrange_gallery(tiles: Sequence[GalleryTile]) -> tuple[Shelf, ...]:
    """Sort tiles onto shelves by outcome and encode their pictures.

    Args:
        tiles: Any number, in the order in which they shall stand on their shelf.
    """
    pictures = sum(1 if tile.attention is None else 2 for tile in tiles)
    longest = _LARGE if pictures <= _FEW_PICTURES else _SMALL
    shelves = []
    for kind, (title, explanation) in OUTCOMES.items():
        cards = tuple(_card(tile, title, longest) for tile in tiles if tile.kind == kind)
        if cards:
            shelves.append(Shelf(title, explanation, cards))
    return tuple(shelves)


def _card(tile: GalleryTile, outcome: str, longest: int) -> Card:
    photograph = shrink(tile.true_colour, longest)
    overlay = None
    if tile.attention is not None:
        overlay = inline_photograph(attention_overlay(photograph, tile.attention))
    details = [category_title(tile.category)] if tile.category else []
    if tile.longitude is not None and tile.latitude is not None:
        details.append(f"{tile.latitude:.3f}, {tile.longitude:.3f}")
    probability = decimal(tile.probability, 2)
    return Card(
        filename=tile.filename,
        probability=probability,
        details=" · ".join(details),
        description=f"{tile.filename}, {outcome.lower()}, probability {probability}",
        photograph=inline_photograph(photograph),
        overlay=overlay,
        pixelated=max(tile.true_colour.shape[:2]) < _PIXEL_ART_BELOW,
    )
