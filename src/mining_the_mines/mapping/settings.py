"""How scenes are mapped."""

from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.mapping.attributes import ConfidenceSettings
from mining_the_mines.mapping.map_files import Format
from mining_the_mines.mapping.permits import PermitSettings
from mining_the_mines.mapping.plan import Precision, TilingSettings
from mining_the_mines.mapping.vectorise import Thresholds, VectorSettings


class MappingSettings(BaseModel):
    """How scenes are mapped."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pixel: float = Field(
        10.0, gt=0, description="Edge of a pixel in metres that the model was trained on; Sentinel-2's is 10."
    )
    resample: bool = Field(
        False, description="Whether scenes with other pixels are resampled to these; otherwise they are refused."
    )
    tiling: TilingSettings = Field(default_factory=TilingSettings, description="Windows, and how they are joined.")
    precision: Precision = Field(
        "float16",
        description="Numbers of the map of probability. float16 has three digits; uint8 has steps of 0.004 and takes "
        "half the space or less, enough for whole countries; float32 is for comparing models.",
    )
    vectors: VectorSettings = Field(
        default_factory=VectorSettings,
        description="Which pixels become polygons. Without grow, those from the model's threshold on; without seed, it "
        "lies halfway between grow and 1, so that a patch that nowhere looks much like a mine is none.",
    )
    permits: PermitSettings = Field(
        default_factory=PermitSettings,
        description="What is worth a review, where permits are known.",
    )
    geojson: bool = Field(
        False, description="Whether polygons are written as GeoJSON too, beside GeoPackage and GeoParquet."
    )
    confidence: ConfidenceSettings = Field(default_factory=ConfidenceSettings, description="How sure a map may be.")

    @property
    def formats(self) -> tuple[Format, ...]:
        """Files of polygons beside each map."""
        return ("gpkg", "parquet", "geojson") if self.geojson else ("gpkg", "parquet")

    def thresholds(self, model_threshold: float) -> Thresholds:
        """Two thresholds for a model, by the rule of :meth:`VectorSettings.thresholds`.

        Args:
            model_threshold: Probability from which a pixel counts as mine, as chosen on out-of-fold predictions.

        Returns:
            Probability that a patch must reach somewhere, and that all of its pixels have.
        """
        return self.vectors.thresholds(model_threshold, usual_seed=_halfway_to_one)


def _halfway_to_one(grow: float) -> float:
    return (1 + grow) / 2
