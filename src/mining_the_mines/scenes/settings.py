"""Parameters of acquisition and compositing."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from mining_the_mines.core.days import Day
from mining_the_mines.core.execution_fields import EXECUTION_ONLY
from mining_the_mines.core.redaction import redact_all
from mining_the_mines.scenes.items import CSMASK
from mining_the_mines.sentinel2 import csmask
from mining_the_mines.sentinel2.compositing import CompositeSettings
from mining_the_mines.sentinel2.scene_classification import ClearSkySettings

#: Value of ``mask_asset`` that masks missing data only.
NO_MASK: Final = "none"


class AccessSettings(BaseModel):
    """Source of scenes, time limits and retries."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(
        "earth-search",
        description="Catalog of the scenes: simulation, earth-search, planetary-computer, the address of another STAC "
        "API, a static STAC catalog, by its address or the path of its catalog.json, or a folder of SAFE folders or "
        "ZIPs.",
    )
    timeout_seconds: float = Field(
        30,
        gt=0,
        description="Time limit of a request in seconds; a transfer below 1000 bytes per second fails after it, too.",
    )
    retries: int = Field(5, ge=0, description="Number of retries of a failed request.")
    back_off: float = Field(
        0.5,
        ge=0,
        description="Seconds before the second retry; each further one waits twice as long, at most a minute, plus a "
        "random part, so that many clients do not return at once.",
    )

    connections: int = Field(
        32,
        ge=1,
        description="Requests to servers that are in flight at the same time, in each process; apart from the cores "
        "that compute. A far archive needs many: each of them waits most of its time.",
        json_schema_extra=EXECUTION_ONLY,
    )
    offset: float | None = Field(
        None,
        gt=-1,
        lt=1,
        description="Reflectance of the digital number 0 in scenes that do not say: those without raster:bands whose "
        "processing baseline is none of ESA's (99.99 and the like, from one's own Sen2Cor), or unknown. -0.1 if the "
        "1000 of baseline 04.00 is in them; null takes 0 for one's own products, and the date for unknown ones, with "
        "a warning.",
    )

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Redact the fields: logs of a cluster show the arguments of tasks, and an address may hold a key."""
        return ((name, redact_all(value)) for name, value in super().__repr_args__())


class AcquisitionSettings(AccessSettings):
    """Which scenes are wanted, and from where."""

    collection: str | None = Field(
        "sentinel-2-l2a", description="Collection of the catalog; null for all collections of a static catalog."
    )
    regions: str | dict[str, tuple[float, float, float, float]] | None = Field(
        None,
        description="Regions of interest: a vector file with one feature per region (columns name and, optionally, "
        "epsg), or boxes by name: west, south, east, north in degrees. Null for a simulated archive.",
    )
    start: Day | None = Field(None, description="First day of the scenes; null for no limit.")
    end: Day | None = Field(None, description="Last day of the scenes; null for no limit.")
    max_cloud_cover: float = Field(
        70,
        ge=0,
        le=100,
        description="Maximum cloud cover of a scene in per cent. A high limit is good: clear parts of cloudy scenes "
        "count.",
    )
    minimum_dates: int = Field(
        3, ge=1, description="A region with scenes of fewer days is left out: a median of two dates is no median."
    )
    exclude: tuple[str, ...] = Field((), description="Ids of scenes that are not used.")
    keep_assets: bool = Field(
        False, description="Whether to download and keep whole files, instead of reading windows where they lie."
    )

    @field_validator("exclude", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _in_order(self) -> "AcquisitionSettings":
        if self.start and self.end and self.start > self.end:
            raise ValueError(f"start ({self.start}) is after end ({self.end}): swap them")
        return self

    def of_archive(self, folder: Path) -> "AcquisitionSettings":
        """Apply the same settings to another archive.

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
        description="Asset with the cloud mask. scl is the scene classification of level 2A; of any other asset, such "
        "as a cloud mask of your own for level 1C, pixels that are not 0 are masked; none masks missing data only.",
    )
    clear_sky: ClearSkySettings = Field(
        default_factory=ClearSkySettings, description="Source of the cloud mask, and its masked classes."
    )
    block: int = Field(
        1024,
        ge=16,
        description="Rows and columns of a block in pixels of 10 m; memory follows it. A multiple of the files' tiles "
        "(512 or 1024) reads the least twice, since interpolation needs a pixel beyond the block.",
    )

    @model_validator(mode="after")
    def _sources_agree(self) -> "CompositingSettings":
        source = self.clear_sky.source
        if source == "csmask" and self.mask_asset not in ("scl", NO_MASK):
            raise ValueError(
                f"mask_asset ({self.mask_asset}) is not read where clear_sky.source is csmask: set that to both, or "
                "leave mask_asset out"
            )
        if source == "both" and self.mask_asset == NO_MASK:
            raise ValueError("clear_sky.source is both, and mask_asset is none: set the former to csmask")
        return self

    @property
    def mask(self) -> str | None:
        """Asset with the cloud mask that composites read; ``None`` for none."""
        return self.archive_mask if self.clear_sky.source == "scl" else CSMASK

    @property
    def archive_mask(self) -> str | None:
        """Asset with a cloud mask that a scene of an archive must have; ``None`` for none."""
        return None if self.mask_asset == NO_MASK or self.clear_sky.source == "csmask" else self.mask_asset

    def archive_bands(self, bands: Sequence[str]) -> tuple[str, ...]:
        """Bands that a scene must have: those of a composite, and those that its mask is computed from."""
        return tuple(dict.fromkeys([*bands, *(() if self.clear_sky.source == "scl" else csmask.LEAST_BANDS)]))

    @property
    def optional_bands(self) -> tuple[str, ...]:
        """Bands that make a computed mask better, of scenes that have them."""
        return () if self.clear_sky.source == "scl" else csmask.ALL_BANDS
