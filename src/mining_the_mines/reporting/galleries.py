"""Galleries of all parts of the report: cards with one or two pictures and a caption, on titled shelves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from mining_the_mines.reporting.formatting import category_title, decimal, hectares
from mining_the_mines.reporting.pictures import (
    FIT_LEGEND,
    UNKNOWN_ENTRY,
    LegendEntry,
    attention_overlay,
    enlarge,
    fit_overlay,
    inline_picture,
    shrink,
)
from mining_the_mines.scoring.segmentation import UNKNOWN

#: Titles of shelves and their explanations; mistakes come first, since they teach more.
_OUTCOMES: MappingProxyType[str, tuple[str, str]] = MappingProxyType(
    {
        "FN": ("Missed mines", "a mine is there, the model stays below the threshold"),
        "FP": ("False alarms", "no mine is there, the model calls one"),
        "TP": ("Mines found", "rightly called mines"),
        "TN": ("Rightly left alone", "no mine there, none called"),
    }
)
_FITS: MappingProxyType[str, tuple[str, str]] = MappingProxyType(
    {
        "worst": ("Mines with the worst fit", "the least overlap of all"),
        "false": ("Predictions where there is no mine", "the largest first"),
        "typical": ("Typical mines", "about as many fit better as fit worse"),
        "best": ("Mines with the best fit", "the largest overlap of all"),
    }
)
#: Pictures of small galleries are larger, since a report must stay small enough for an e-mail.
_FEW_PICTURES: Final = 80
_LARGE_CHIP, _SMALL_CHIP = 256, 144
_LARGE_FIT, _SMALL_FIT = 384, 192
#: Smaller chips are shown with sharp pixels.
_PIXELATED_CHIP_BELOW: Final = 100


#: Decision of a classifier against the truth.
Outcome = Literal["TP", "FP", "FN", "TN"]


#: How well a segmenter fits the mines of a chip; ``false`` is a prediction where there is no mine.
Fit = Literal["worst", "typical", "best", "false"]


@dataclass(frozen=True)
class GalleryTile:
    """A classified chip of the gallery.

    Attributes:
        filename: File of the chip.
        kind: Decision against truth.
        probability: Probability of a mine by the chosen model.
        true_colour: uint8 (H, W, 3), see :func:`~mining_the_mines.reporting.pictures.true_colour`.
        attention: Attention of the model, any non-negative scale, (h, w) of any size; or none.
        category: Land cover or kind of mine, if known.
        longitude: Degrees east of the chip's centre, if known.
        latitude: Degrees north, if known.
    """

    filename: str
    kind: Outcome
    probability: float
    true_colour: NDArray[np.uint8]
    attention: NDArray[np.float32] | None = None
    category: str | None = None
    longitude: float | None = None
    latitude: float | None = None


@dataclass(frozen=True)
class SegmentationTile:
    """A segmented chip of the gallery.

    Attributes:
        filename: File of the chip.
        kind: Reason why it is shown.
        split: ``test`` or ``out-of-fold``.
        true_colour: uint8 (H, W, 3), see :func:`~mining_the_mines.reporting.pictures.true_colour`.
        truth: uint8 (H, W): 0 background, 1 mine, 255 unknown.
        predicted: Predicted mine, boolean (H, W).
        iou: Intersection over union of the two.
        true_hectares: Area of the true mines.
        predicted_hectares: Area of the predicted mines.
    """

    filename: str
    kind: Fit
    split: str
    true_colour: NDArray[np.uint8]
    truth: NDArray[np.uint8]
    predicted: NDArray[np.bool_]
    iou: float
    true_hectares: float
    predicted_hectares: float


@dataclass(frozen=True)
class Card:
    """One or two pictures with a caption.

    Attributes:
        name: File, region or scene.
        picture: Data URI of the true colour.
        description: Alternative text of the picture.
        figure: Bold figure of the caption.
        details: Small line of the caption.
        overlay: Data URI of the second picture, if any.
        overlay_description: Its alternative text.
        drawing: Inline SVG in place of the second picture.
        pixelated: Whether pixels are shown sharp.
    """

    name: str
    picture: str
    description: str
    figure: str = ""
    details: str = ""
    overlay: str | None = None
    overlay_description: str = ""
    drawing: Markup | None = None
    pixelated: bool = False


@dataclass(frozen=True)
class Shelf:
    """Cards of one kind."""

    title: str
    explanation: str
    cards: tuple[Card, ...]


def classification_gallery(tiles: Sequence[GalleryTile]) -> tuple[Shelf, ...]:
    """Arrange classified chips by outcome, each beside the attention of the model.

    Args:
        tiles: Any number, in their order on the shelves.
    """
    pictures = sum(1 if tile.attention is None else 2 for tile in tiles)
    longest = _LARGE_CHIP if pictures <= _FEW_PICTURES else _SMALL_CHIP
    return _shelves(_OUTCOMES, [(tile.kind, _classified_card(tile, longest)) for tile in tiles])


def _classified_card(tile: GalleryTile, longest: int) -> Card:
    photograph = shrink(tile.true_colour, longest)
    details = [category_title(tile.category)] if tile.category else []
    if tile.longitude is not None and tile.latitude is not None:
        details.append(f"{tile.latitude:.3f}, {tile.longitude:.3f}")
    probability = decimal(tile.probability, 2)
    overlay = None if tile.attention is None else inline_picture(attention_overlay(photograph, tile.attention))
    return Card(
        name=tile.filename,
        picture=inline_picture(photograph),
        description=f"{tile.filename}, {_OUTCOMES[tile.kind][0].lower()}, probability {probability}",
        figure=probability,
        details=" · ".join(details),
        overlay=overlay,
        overlay_description=f"Attention of the model on {tile.filename}",
        pixelated=max(tile.true_colour.shape[:2]) < _PIXELATED_CHIP_BELOW,
    )


def segmentation_gallery(tiles: Sequence[SegmentationTile]) -> tuple[Shelf, ...]:
    """Arrange segmented chips by fit, each beside truth and prediction.

    Args:
        tiles: Any number, in their order on the shelves.
    """
    longest = _LARGE_FIT if 2 * len(tiles) <= _FEW_PICTURES else _SMALL_FIT
    return _shelves(_FITS, [(tile.kind, _segmented_card(tile, longest)) for tile in tiles])


def segmentation_legend(tiles: Sequence[SegmentationTile]) -> tuple[LegendEntry, ...]:
    """Colours of :func:`segmentation_gallery`, with unknown pixels if there are any."""
    has_unknown = any((tile.truth == UNKNOWN).any() for tile in tiles)
    return (*FIT_LEGEND, UNKNOWN_ENTRY) if has_unknown else FIT_LEGEND


def _segmented_card(tile: SegmentationTile, longest: int) -> Card:
    areas = f"true {hectares(tile.true_hectares)}, predicted {hectares(tile.predicted_hectares)}"
    overlay = fit_overlay(tile.true_colour, tile.truth, tile.predicted, longest)
    return Card(
        name=tile.filename,
        picture=inline_picture(enlarge(tile.true_colour, longest)),
        description=f"{tile.filename}, {areas}, IoU {decimal(tile.iou, 2)}",
        figure=decimal(tile.iou, 2),
        details=f"{areas} · {'test' if tile.split == 'test' else 'out of fold'}",
        overlay=inline_picture(overlay),
        overlay_description=f"Truth and prediction on {tile.filename}",
        pixelated=max(tile.true_colour.shape[:2]) < _PIXELATED_CHIP_BELOW,
    )


def _shelves(titles: Mapping[str, tuple[str, str]], cards: Sequence[tuple[str, Card]]) -> tuple[Shelf, ...]:
    shelves = [Shelf(*text, tuple(card for of, card in cards if of == kind)) for kind, text in titles.items()]
    return tuple(shelf for shelf in shelves if shelf.cards)
