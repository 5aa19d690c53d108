"""Parameters of acquisition and compositing."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from mining_the_mines.core.execution_fields import EXECUTION_ONLY
from mining_the_mines.core.redaction import redact_all
from mining_the_mines.sentinel2.compositing import CompositeSettings
from mining_the_mines.sentinel2.scene_classification import ClearSkySettings

#: Said of ``mask_asset`` where the scenes' pixels without data are all that is masked.
NO_MASK: Final = "none"


class AccessSettings(BaseModel):
    """Where scenes come from, how long to wait for a server, and how often to ask again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(
        "earth-search",
        description="Where scenes are found: earth-search, planetary-computer, the address of another STAC API, or a "
        "static STAC catalog, by its address or the path of its catalog.json.",
    )
    timeout_seconds: float = Field(
        30, gt=0, description="An answer that has not come after this long counts as failed; so does one that crawls."
    )
    retries: int = Field(5, ge=0, description="How often a failed request is sent again.")
    back_off: float = Field(
        0.5,
        ge=0,
        description="Seconds before the second retry; each further one waits twice as long, at most a minute. Some "
        "chance is added, so that many clients don't come back at once.",
    )

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """What is shown of them: logs of a cluster show what tasks are called with, and an address may hold a key."""
        return ((name, redact_all(value)) for name, value in super().__repr_args__())


class AcquisitionSettings(AccessSettings):
    """Which scenes are wanted, and from where."""

    collection: str | None = Field(
        "sentinel-2-l2a", description="Collection of the catalog to search; null for all that a static catalog has."
    )
    regions: str | dict[str, tuple[float, float, float, float]] | None = Field(
        None,
        description="Where: a vector file with one feature a region (columns name and, if wanted, epsg), or boxes by "
        "name: west, south, east, north in degrees. A simulated archive says itself which regions it holds.",
    )
    start: date | None = Field(None, description="First day that scenes may be of; null for no limit.")
    end: date | None = Field(None, description="Last day; null for no limit.")
    max_cloud_cover: float = Field(
        70,
        ge=0,
        le=100,
        description="Scenes with more per cent of cloud are left out. High is good: what is clear in them counts.",
    )
    minimum_dates: int = Field(
        3, ge=1, description="A region with scenes of fewer days is left out: a median of two dates is no median."
    )
    exclude: tuple[str, ...] = Field(
        (), description="Ids of scenes that are not to be used, whatever the catalog says of them."
    )
    keep_assets: bool = Field(
        False, description="Whether files are fetched as a whole and kept, instead of read by window where they lie."
    )
    workers: int = Field(
        8, ge=1, description="Files that are checked or fetched at the same time.", json_schema_extra=EXECUTION_ONLY
    )

    @field_validator("exclude", mode="before")
    @classmethod
    def _one_stands_for_itself(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _in_order(self) -> "AcquisitionSettings":
        if self.start and self.end and self.start > self.end:
            raise ValueError(f"start ({self.start}) is after end ({self.end}): swap them")
        return self

    def of_archive(self, folder: Path) -> "AcquisitionSettings":
        """Search another archive in the same way.

        Args:
            folder: A static catalog with its regions beside it, such as a simulated one.

        Returns:
            These settings with that source and its regions.
        """
        return self.model_copy(
            update={"source": str(folder / "catalog.json"), "regions": str(folder / "regions.geojson")}
        )


class CompositingSettings(CompositeSettings):
    """How scenes become a composite."""

    mask_asset: str = Field(
        "scl",
        description=(
            "Asset that tells clouds. scl is the scene classification of level 2A; of any other asset, such as a cloud "
            "mask of your own for level 1C, pixels that are not 0 are masked; none masks nothing but missing data."
        ),
    )
    clear_sky: ClearSkySettings = Field(default_factory=ClearSkySettings)
    block: int = Field(
        1024,
        ge=16,
        description=(
            "Rows and columns that are in work at once; memory follows it. A multiple of the files' tiles (512 or "
            "1024) reads least twice: what is interpolated needs a pixel beyond the block."
        ),
    )

    @property
    def mask(self) -> str | None:
        """The asset that tells clouds, if there is one."""
        return None if self.mask_asset == NO_MASK else self.mask_asset
