"""The data of a report: plain tables, figures and pictures, whichever pipeline made them."""

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
        label: Truth, 0 or 1.
        true_colour: uint8 (H, W, 3), see :func:`~mining_the_mines.reporting.pictures.true_colour`.
        attention: Attention of the model, any non-negative scale, (h, w) of any size; or none.
        category: Land cover or kind of mine, if known.
        longitude: Degrees east of the chip's centre, if known.
        latitude: Degrees north, if known.
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
class ClassificationData:
    """Report data of the chip classifiers.

    Attributes:
        chosen_model: Name of the chosen model, as in ``predictions.model``.
        predictions: One row a chip and model: ``filename``, ``label``, ``place``, ``fold``
            (missing for test chips), ``model``, ``probability``; ``category``, ``longitude`` and
            ``latitude`` where known.
        thresholds: Threshold by model.
        score_table: From :func:`mining_the_mines.scoring.tables.score_table`.
        category_table: From :func:`mining_the_mines.scoring.tables.scores_by_category`.
        difference_table: From :func:`mining_the_mines.scoring.tables.difference_table`.
        learning_curves: Long table ``model``, ``fold``, ``epoch``, ``stage`` (train, validation), ``metric``,
            ``value``.
        importances: ``model``, ``feature``, ``importance`` (loss of score when shuffled, mean over folds) and
            ``deviation`` (its standard deviation over folds).
        gallery: Chips to show, in order within each kind.
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
    """Report data of the segmenter.

    Attributes:
        score_table: From :func:`mining_the_mines.scoring.segmentation_scores.segmentation_score_table`, of one model.
        chip_table: Measures of each chip from
            :func:`mining_the_mines.scoring.segmentation_measures.measure_segmentation`, with ``place`` and ``fold``
            (missing for test chips); ``longitude`` and ``latitude`` where known.
        threshold: A pixel is predicted to be mine from this probability on.
        objective: Objective of the threshold: ``iou`` or ``area``.
        tolerance: Pixels up to which two rims agree.
        threshold_curve: From :func:`mining_the_mines.scoring.thresholds.pixel_threshold_curve`.
        gallery: Chips to show, in order within each kind.
        mask_table: One row a chip: ``filename``, ``reason`` (why it has no mask; missing otherwise), ``polygons``,
            ``slivers``, ``mine_pixels``, ``known_pixels``, ``mine_hectares``.
        polygon_inventory: One row a feature of the polygons given: ``layer``, ``feature``, ``verdict``, ``reason``,
            ``hectares``.
        learning_curves: As in :class:`ClassificationData`, without ``model``.
        chip_score_table: Scores of the segmenter and of the chosen classifier as classifiers of chips, as
            ``score_table`` of :class:`ClassificationData`.
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
    chip_score_table: pd.DataFrame | None = None


@dataclass(frozen=True, eq=False)
class CompositeView:
    """A composite of a region as the report shows it.

    Attributes:
        region: Its name.
        visible: Reflectance of red, green and blue, float32 (3, H, W), NaN where there are no data.
        clear_dates: Number of clear dates of each pixel of the picture, uint16 (H, W).
        pixels_by_clear_dates: Numbers of pixels of the full composite with 0, 1, 2 … clear dates, int64 (most + 1,).
        dates: Days of its scenes, in order.
        baselines: Processing baselines of the scenes, such as ``03.01``, in order, each once.
        method: Method of compositing, such as ``median``.
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
    """Report data of the composites that chips were cut from.

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
    """A mapped scene in true colour, in the size of the report.

    Attributes:
        visible: Reflectance of red, green and blue, float32 (3, H, W), NaN where there are no data.
        transform: From pixel (column, row) of this picture to coordinates in the CRS of the mines.
    """

    visible: NDArray[np.float32]
    transform: Affine


@dataclass(frozen=True, eq=False)
class MapView:
    """A map of a scene as the report shows it.

    Attributes:
        scene: Its name.
        mines: One row a mine, in the scene's CRS: ``id``, ``area_ha``, ``confidence`` (high, medium or low),
            ``touches_edge``, ``geometry`` and, where permits are known, ``review``; any number.
        mapped_hectares: Area in which the map has data.
        mapped_share: Share of the scene that has data, 0–1.
        first_date: Date of the first image, if known.
        last_date: Date of the last image, if known.
        picture: The scene, if it is shown; a few are enough.
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
    """Report data of the maps of whole scenes.

    Attributes:
        scenes: The maps; none if all scenes were left out.
        scores: Against reference polygons, if there are any.
        units: One row a concession, protected area or the ground outside: ``layer``, ``unit``, ``mines``,
            ``hectares``, ``hectares_to_review``, ``high_confidence_hectares``, ``largest_ha``; the most urgent first.
        left_out: Scenes without a map: ``scene``, ``reason``.
    """

    scenes: tuple[MapView, ...]
    scores: MapScores | None = None
    units: pd.DataFrame | None = None
    left_out: pd.DataFrame | None = None


@dataclass(frozen=True)
class ReportData:
    """The data of a report; missing or empty parts are left out of the page.

    Attributes:
        title: Heading of the report.
        classification: Of the chip classifiers.
        segmentation: Of the segmenter.
        composites: Of the composites, if chips were cut from any.
        maps: Of whole scenes.
        manifest: One row a chip found: ``filename``, ``verdict`` (accepted or rejected),
            ``reason``; ``width``, ``height``, ``bands``, ``dtype``, ``crs`` where known.
        folds: One row an accepted chip: ``filename``, ``label``, ``place``, ``split``, ``fold``.
        band_statistics: ``band``, ``mean``, ``std`` and percentiles ``p2``, ``p25``, ``p50``,
            ``p75``, ``p98`` of reflectance; further columns are only listed.
        interval_level: Share of intervals that should cover the truth.
        run_facts: Git commit, dirty flag, data hash, versions, run id; by name.
        parameters: Flattened parameters, by dotted name.
        caveats: Sentences that a reader must know before believing the figures.
        tables: Further tables by name, which is their caption; shown with the data unless a template places them.
    """

    title: str
    classification: ClassificationData | None = None
    segmentation: SegmentationData | None = None
    composites: CompositeData | None = None
    maps: MapData | None = None
    manifest: pd.DataFrame | None = None
    folds: pd.DataFrame | None = None
    band_statistics: pd.DataFrame | None = None
    interval_level: float = 0.95
    run_facts: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    caveats: tuple[str, ...] = ()
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
