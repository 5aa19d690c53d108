"""What goes into a report: plain tables and pictures, from whichever pipeline made them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
from affine import Affine
from numpy.typing import NDArray

from mining_the_mines.scoring.map_scores import MapScores
from mining_the_mines.scoring.run_comparison import RunComparison

Outcome = Literal["TP", "FP", "FN", "TN"]
#: A mine outlined badly, as most are, or well; or outlines where no mine is.
OutlineKind = Literal["worst", "typical", "best", "false"]


@dataclass(frozen=True)
class GalleryTile:
    """One chip to look at.

    Attributes:
        filename: The chip's file.
        kind: Decision against truth: found mine, false alarm, missed mine, rightly left alone.
        probability: The chosen model's probability of a mine.
        label: Truth, 0 or 1.
        category: Land cover or kind of mine, where the labels tell.
        longitude: Degrees east of the chip's centre, where known.
        latitude: Degrees north, where known.
        true_colour: uint8 (H, W, 3), see :func:`~mining_the_mines.reporting.pictures.true_colour`.
        attention: Where the model looked, any non-negative scale, (h, w) of any size; or none.
    """

    filename: str
    kind: Outcome
    probability: float
    label: int
    true_colour: NDArray[np.uint8]
    attention: NDArray[np.float32] | None = None
    category: str | None = None
    longitude: float | None = None
    latitude: float | None = None


@dataclass(frozen=True)
class Picture:
    """A drawing or photograph, ready to stand in a page.

    Attributes:
        markup: An ``<svg>`` element, or an ``<img>`` with a data URI; trusted, so never built from
            unescaped user text.
        caption: What to see in it, a sentence or two under the picture.
    """

    markup: str
    caption: str


@dataclass(frozen=True)
class ReportSection:
    """A further section, for what only some runs have (maps, quicklooks).

    Attributes:
        title: Heading.
        text: Paragraphs of plain text.
        pictures: Shown side by side where there is room.
        tables: Tables by caption; index left out, floats rounded.
    """

    title: str
    text: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)


@dataclass(frozen=True)
class SegmentationTile:
    """One chip with its true and its predicted outlines.

    Attributes:
        filename: The chip's file.
        kind: Why it is shown.
        split: ``test`` or ``out-of-fold``.
        true_colour: uint8 (H, W, 3), see :func:`~mining_the_mines.reporting.pictures.true_colour`.
        truth: uint8 (H, W): 0 background, 1 mine, 255 unknown.
        predicted: Called mine, boolean (H, W).
        iou: Intersection over union of the two.
        true_hectares: Area of the true mines.
        predicted_hectares: Area that is called mine.
    """

    filename: str
    kind: OutlineKind
    split: str
    true_colour: NDArray[np.uint8]
    truth: NDArray[np.uint8]
    predicted: NDArray[np.bool_]
    iou: float
    true_hectares: float
    predicted_hectares: float


@dataclass(frozen=True)
class ClassificationData:
    """What a report shows of chip classifiers: is there a mine in a chip?

    Attributes:
        chosen_model: Name of the model, as in ``predictions.model``, that the report is about.
        predictions: One row a chip and model: ``filename``, ``label``, ``place``, ``fold``
            (missing for test chips), ``model``, ``probability``; ``category``, ``longitude`` and
            ``latitude`` where known.
        thresholds: Threshold by model.
        score_table: From :func:`mining_the_mines.scoring.score_table`.
        category_table: From :func:`mining_the_mines.scoring.scores_by_category`.
        difference_table: From :func:`mining_the_mines.scoring.difference_table`.
        learning_curves: Long table ``fold``, ``epoch``, ``stage`` (train, validation), ``metric``,
            ``value``.
        importances: ``feature``, ``importance`` (loss of score when shuffled) and, if known,
            ``spread`` (its standard deviation over shuffles).
        gallery: Chips to look at, in order within each kind.
    """

    chosen_model: str
    predictions: pd.DataFrame
    thresholds: Mapping[str, float]
    score_table: pd.DataFrame
    category_table: pd.DataFrame | None = None
    difference_table: pd.DataFrame | None = None
    learning_curves: pd.DataFrame | None = None
    importances: pd.DataFrame | None = None
    gallery: tuple[GalleryTile, ...] = ()


@dataclass(frozen=True)
class SegmentationData:
    """What a report shows of outlines: where are the mines, and how large?

    Attributes:
        score_table: From :func:`mining_the_mines.scoring.segmentation_scores.segmentation_score_table`, of one model.
        chip_table: Measures of each chip from
            :func:`mining_the_mines.scoring.segmentation_measures.measure_segmentation`, with ``place`` and ``fold``
            (missing for test chips); ``longitude`` and ``latitude`` where known.
        threshold: A pixel is called a mine if its probability is at least this.
        objective: What the threshold is for: ``iou`` or ``area``.
        tolerance: Pixels up to which two rims agree.
        threshold_curve: From :func:`mining_the_mines.scoring.pixel_tally.pixel_threshold_curve`.
        gallery: Chips to look at, in order within each kind.
        mask_table: One row a chip: ``filename``, ``reason`` (why it has no mask; missing otherwise), ``polygons``,
            ``slivers``, ``mine_pixels``, ``known_pixels``, ``mine_hectares``.
        polygon_inventory: One row a feature of the outlines given: ``layer``, ``feature``, ``verdict``, ``reason``,
            ``hectares``.
        learning_curves: As in :class:`ClassificationData`.
        detection_table: Image-level scores of the maps and of chip classifiers, as ``score_table`` of
            :class:`ClassificationData`.
    """

    score_table: pd.DataFrame
    chip_table: pd.DataFrame
    threshold: float
    objective: str = "iou"
    tolerance: float = 2.0
    threshold_curve: pd.DataFrame | None = None
    gallery: tuple[SegmentationTile, ...] = ()
    mask_table: pd.DataFrame | None = None
    polygon_inventory: pd.DataFrame | None = None
    learning_curves: pd.DataFrame | None = None
    detection_table: pd.DataFrame | None = None


@dataclass(frozen=True, eq=False)
class CompositeView:
    """A region's composite, as a report shows it.

    Attributes:
        region: Its name.
        visible: Reflectance of red, green and blue, float32 (3, H, W), NaN where there are no data.
        clear_dates: Number of clear dates of each pixel of the picture, uint16 (H, W).
        pixels_by_clear_dates: How many of all its pixels have no clear date, one, two …, int64 (most + 1,).
        dates: Days that went in, in order.
        baselines: Processing baselines of the scenes, such as ``03.01``, in order, each once.
        method: How it was made, such as ``median``.
    """

    region: str
    visible: NDArray[np.float32]
    clear_dates: NDArray[np.uint16]
    pixels_by_clear_dates: NDArray[np.int64]
    dates: tuple[date, ...]
    baselines: tuple[str, ...]
    method: str


@dataclass(frozen=True, eq=False)
class CompositeData:
    """What a report shows of the composites that chips were cut from.

    Attributes:
        regions: The composites, at least one.
        scenes: One row a region and scene that was chosen: ``region``, ``item``.
        left_out: One row a scene that was found and not used, or not everywhere: ``region``, ``item`` (empty for a
            whole region), ``datetime``, ``reason``.
        notes: Doubts about the scenes, a sentence each.
    """

    regions: tuple[CompositeView, ...]
    scenes: pd.DataFrame
    left_out: pd.DataFrame
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class MapPicture:
    """A mapped scene in true colour, as small as it will be shown.

    Attributes:
        visible: Reflectance of red, green and blue, float32 (3, H, W), NaN where there are no data.
        transform: From pixel (column, row) of this picture to coordinates in the CRS of the mines.
    """

    visible: NDArray[np.float32]
    transform: Affine


@dataclass(frozen=True, eq=False)
class MapView:
    """A scene's map of mines, as a report shows it.

    Attributes:
        scene: Its name.
        mines: One row a mine, in the scene's CRS: ``id``, ``area_ha``, ``confidence`` (high, medium or low),
            ``touches_edge``, ``geometry`` and, where permits are known, ``review``; any number.
        mapped_hectares: Area in which the map has data.
        mapped_share: Share of the scene that has data, 0–1.
        first_date: Of the scene's images, where known.
        last_date: Of the scene's images, where known.
        picture: The scene, if it is to be shown; a few are enough.
    """

    scene: str
    mines: gpd.GeoDataFrame
    mapped_hectares: float
    mapped_share: float
    first_date: date | None = None
    last_date: date | None = None
    picture: MapPicture | None = None


@dataclass(frozen=True, eq=False)
class MapData:
    """What a report shows of maps of whole scenes.

    Attributes:
        scenes: The maps; none if all scenes were left out.
        scores: Against reference polygons, where there are any.
        units: One row a concession, protected area or the ground outside: ``layer``, ``unit``, ``mines``,
            ``hectares``, ``hectares_to_review``, ``high_confidence_hectares``, ``largest_ha``; what deserves a look
            first on top.
        left_out: Scenes without a map: ``scene``, ``reason``.
    """

    scenes: tuple[MapView, ...]
    scores: MapScores | None = None
    units: pd.DataFrame | None = None
    left_out: pd.DataFrame | None = None


@dataclass(frozen=True)
class ReportData:
    """All that a report shows; what is missing or empty is left out of the page.

    Attributes:
        title: Heading of the report.
        detection: Of chip classifiers, if there are any.
        outlines: Of outlines, if there are any.
        composites: What the chips were cut from, if they were not handed over.
        maps: Of whole scenes, if there are any.
        comparison: With other runs, if any are named.
        manifest: One row a chip found: ``filename``, ``verdict`` (accepted or rejected),
            ``reason``; ``width``, ``height``, ``bands``, ``dtype``, ``crs`` where known.
        folds: One row an accepted chip: ``filename``, ``label``, ``place``, ``split``, ``fold``.
        band_statistics: ``band``, ``mean``, ``std`` and percentiles ``p2``, ``p25``, ``p50``,
            ``p75``, ``p98`` of reflectance; further columns are only listed.
        interval_level: Share of intervals that should cover the truth, as they were drawn.
        run_facts: What was run: git commit, dirty flag, data hash, versions, run id; by name.
        parameters: Flattened parameters, by dotted name.
        caveats: Sentences that a reader must know before believing the figures.
        sections: Further sections, shown before the data.
    """

    title: str
    detection: ClassificationData | None = None
    outlines: SegmentationData | None = None
    composites: CompositeData | None = None
    maps: MapData | None = None
    comparison: RunComparison | None = None
    manifest: pd.DataFrame | None = None
    folds: pd.DataFrame | None = None
    band_statistics: pd.DataFrame | None = None
    interval_level: float = 0.95
    run_facts: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    caveats: tuple[str, ...] = ()
    sections: tuple[ReportSection, ...] = ()
