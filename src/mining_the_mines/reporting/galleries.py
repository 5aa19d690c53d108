"""Galleries of all parts of the report: cards with one or two pictures and a caption, on titled shelves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from markupsafe import Markup

from mining_the_mines.reporting.formatting import category_title, count, decimal, hectares
from mining_the_mines.reporting.map_pictures import PolygonStyle, draw_map_picture
from mining_the_mines.reporting.pictures import (
    FIT_LEGEND,
    PIXELATED_BELOW,
    UNKNOWN_ENTRY,
    LegendEntry,
    attention_overlay,
    clear_date_map,
    count_classes,
    enlarge,
    fit_overlay,
    hatched_true_colour,
    inline_picture,
    shrink,
    stretch_for,
)
from mining_the_mines.reporting.report_data import (
    CompositeView,
    GalleryTile,
    MapData,
    SegmentationTile,
)
from mining_the_mines.scoring.segmentation_measures import UNKNOWN

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
#: Most maps that are shown as pictures.
_MOST_MAPS: Final = 6


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


def composite_gallery(
    regions: Sequence[CompositeView], clear: Sequence[str]
) -> tuple[tuple[Card, ...], tuple[LegendEntry, ...]]:
    """Show composites in one contrast, each beside its numbers of clear dates, with one legend.

    Args:
        regions: At least one.
        clear: Summary of the clear dates of each region.

    Returns:
        The cards and the legend.
    """
    stretch = stretch_for(region.visible for region in regions)
    classes = count_classes(max(len(region.pixels_by_clear_dates) - 1 for region in regions))
    cards = [
        Card(
            name=category_title(region.region),
            picture=inline_picture(hatched_true_colour(region.visible, stretch)),
            description=f"{category_title(region.region)} in true colour",
            details=f"{count(len(region.dates), 'date')} · {text}",
            overlay=inline_picture(clear_date_map(region.clear_dates, classes), lossless=True),
            overlay_description=f"Map of {category_title(region.region)}: {text}",
            pixelated=max(region.clear_dates.shape) < PIXELATED_BELOW,
        )
        for region, text in zip(regions, clear, strict=True)
    ]
    return tuple(cards), tuple(found.entry for found in classes)


@dataclass(frozen=True)
class MapCard:
    """The picture of a map, and the figures of its caption."""

    card: Card
    mines: int
    hectares: float
    mapped_share: float
    undrawn: int


def map_gallery(data: MapData) -> tuple[tuple[MapCard, ...], tuple[PolygonStyle, ...]]:
    """Show maps in one contrast, each scene beside its polygons.

    Args:
        data: Some of its scenes have a picture; the first 6 of them are shown.

    Returns:
        The cards, and the styles of polygons that occur.
    """
    pictured = [(view, view.picture) for view in data.scenes if view.picture is not None][:_MOST_MAPS]
    stretch = stretch_for(picture.visible for _, picture in pictured)
    cards, styles = [], dict[PolygonStyle, None]()
    for view, picture in pictured:
        objects = None
        if data.scores is not None and view.scene not in data.scores.unscored:
            objects = data.scores.objects[data.scores.objects["scene"] == view.scene]
        drawn = draw_map_picture(view, picture, objects, stretch)
        styles |= dict.fromkeys(drawn.styles)
        name = category_title(view.scene)
        card = Card(
            name=name,
            picture=drawn.photograph,
            description=f"{name} in true colour",
            drawing=drawn.drawing,
            pixelated=max(picture.visible.shape[1:]) < PIXELATED_BELOW,
        )
        area = float(view.mines["area_ha"].sum())
        cards.append(MapCard(card, len(view.mines), area, view.mapped_share, drawn.undrawn))
    return tuple(cards), tuple(styles)
