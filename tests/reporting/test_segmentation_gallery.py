"""The gallery of outlines shows mistakes first and says how many hectares they are."""

import dataclasses

from mining_the_mines.reporting import SegmentationData
from mining_the_mines.reporting.segmentation_gallery import arrange_segmentation_gallery


def test_the_worst_come_first_and_each_chip_says_its_hectares(outlines: SegmentationData) -> None:
    shelves = arrange_segmentation_gallery(outlines.gallery)
    assert shelves[0].title == "Mines outlined worst"
    tile, card = outlines.gallery[0], shelves[0].cards[0]
    assert card.iou == f"{tile.iou:.2f}"
    assert f"outlined {tile.predicted_hectares:.1f}" in card.details


def test_a_kind_without_chips_has_no_shelf(outlines: SegmentationData) -> None:
    best = [tile for tile in outlines.gallery if tile.kind == "best"]
    assert [shelf.title for shelf in arrange_segmentation_gallery(best)] == ["Mines outlined best"]


def test_tiny_chips_are_shown_as_pixels_and_large_ones_smoothly(outlines: SegmentationData) -> None:
    tile = outlines.gallery[0]
    large = dataclasses.replace(
        tile,
        true_colour=tile.true_colour.repeat(4, 0).repeat(4, 1),
        truth=tile.truth.repeat(4, 0).repeat(4, 1),
        predicted=tile.predicted.repeat(4, 0).repeat(4, 1),
    )
    cards = arrange_segmentation_gallery((tile, large))[0].cards
    assert [card.pixelated for card in cards] == [True, False]


def test_a_report_with_many_outlined_chips_can_be_sent_by_mail(outlines: SegmentationData) -> None:
    shelves = arrange_segmentation_gallery(outlines.gallery * 20)
    pictures = [picture for shelf in shelves for card in shelf.cards for picture in (card.photograph, card.overlay)]
    assert len(pictures) > 300
    assert sum(map(len, pictures)) < 8e6
