"""Parameters of pretraining; importing this loads no torch."""

from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from mining_the_mines.models.networks import TrainingSettings
from mining_the_mines.sentinel2.indices import DEFAULT_INDICES
from mining_the_mines.simulation.places import PROVINCES
from mining_the_mines.simulation.settings import FIELD

#: Provinces of the simulated archive of the default run, which tests models: no encoder learns on ground of theirs.
_TESTED_ON: Final = ("tapajos", "copperbelt", "guiana_shield", "madre_de_dios")


class RegionSettings(BaseModel):
    """Simulated regions that an encoder learns from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provinces: tuple[str, ...] = Field(
        tuple(province.name for province in PROVINCES if province.name not in _TESTED_ON),
        min_length=1,
        description="Mining provinces that regions are drawn from; by default all but those of the default run.",
    )
    pixels: int = Field(384, ge=60, multiple_of=6, description="Edge of a region in pixels of 10 m; a multiple of 6.")
    mines: tuple[int, int] = Field((5, 12), description="Fewest and most mines in a region.")
    spectra: float = Field(
        0.15,
        ge=0,
        description="Standard deviation of a further log gain and tilt of each material's spectrum, drawn for each "
        "region: ground differs more from place to place than the spectral library does.",
    )
    seed: int = Field(7_001_843, ge=0, description="Seed of the regions.")

    @field_validator("provinces")
    @classmethod
    def _are_known(cls, provinces: tuple[str, ...]) -> tuple[str, ...]:
        known = [province.name for province in PROVINCES]
        unknown = [name for name in provinces if name not in known]
        if unknown:
            raise ValueError(f"there is no province {unknown[0]!r} to simulate; choose among {', '.join(known)}")
        return provinces

    @model_validator(mode="after")
    def _have_room(self) -> Self:
        fewest, most = self.mines
        if not 0 <= fewest <= most <= self.slots**2:
            raise ValueError(
                f"mines must be two numbers from 0 to {self.slots**2}, the smaller one first, not {list(self.mines)}"
            )
        return self

    @property
    def slots(self) -> int:
        """A region is laid out on a board of slots × slots fields."""
        return max(round(self.pixels / FIELD), 1)


class WindowSettings(BaseModel):
    """Windows that are cut out of regions, and how they are varied."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int = Field(64, ge=32, multiple_of=32, description="Edge in pixels of the windows that the network sees.")
    per_region: int = Field(48, ge=1, description="Windows cut out of each region.")
    at_mines: float = Field(0.5, ge=0, le=1, description="Share of windows that are laid over a mine.")
    finest: float = Field(0.8, gt=0, description="Smallest pixel of a window, in pixels of 10 m.")
    coarsest: float = Field(4.0, gt=0, description="Largest pixel of a window, in pixels of 10 m.")
    coarse: float = Field(
        0.3,
        ge=0,
        le=1,
        description="Share of windows whose pixels are drawn up to the largest; others have about 10 m.",
    )
    all_bands: float = Field(0.25, ge=0, le=1, description="Share of windows that show all twelve bands.")
    air_light: float = Field(
        0.3, ge=0, le=1, description="Share of windows seen through a clear atmosphere, as level 1C shows them."
    )
    blur: float = Field(1.0, ge=0, description="Largest standard deviation of a further blur, in pixels.")
    noise: float = Field(0.006, ge=0, description="Largest standard deviation of further noise, in reflectance.")
    mixed: int = Field(12, ge=1, description="Regions whose windows are mixed in a batch.")


class InpaintingSettings(BaseModel):
    """How the encoder goes on to learn from images without labels: it fills in what is hidden of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int = Field(10, ge=1, description="Epochs after those on simulated regions.")
    windows: int = Field(1536, ge=1, description="Windows in each epoch, each at a random place of a random image.")
    patch: int = Field(8, ge=1, description="Edge in pixels of the patches that are hidden.")
    hidden: float = Field(0.6, gt=0, lt=1, description="Share of a window that is hidden.")
    learning_rate: float = Field(1e-3, gt=0, description="Peak of the schedule.")


class PretrainingSettings(TrainingSettings):
    """How an encoder learns from simulated regions, and then from images without labels."""

    name: str = Field("mine-encoder", min_length=1, description="Name of the encoder, also in the model registry.")
    architecture: str = Field("maxvit_pico_rw_256", description="timm network whose encoder learns.")
    overrides: dict[str, Any] | None = Field(
        None, description="Further arguments of timm.create_model; null takes one back that conf/base gives."
    )
    indices: tuple[str, ...] = Field(DEFAULT_INDICES, description="Spectral indices added to the bands.")
    decoder_channels: tuple[int, ...] = Field(
        (32, 16, 16, 8), min_length=3, max_length=5, description="Channels of the U-Net's decoder; one stage for each."
    )
    regions: RegionSettings = Field(RegionSettings(), description="The ground.")
    windows: WindowSettings = Field(WindowSettings(), description="Windows of it.")
    regions_per_epoch: int = Field(64, ge=1, description="New regions in each epoch.")
    watched_regions: int = Field(12, ge=1, description="Regions that are never learnt from, scored after each epoch.")
    epochs: int = Field(40, ge=0, description="Epochs, each on new regions; 0 leaves the simulation out.")
    encoder: str | None = Field(
        None, description="Encoder to go on from: simulated (the one that ships), or a file; null begins at random."
    )
    unlabelled: str | None = Field(
        None, description="Folder of images without labels to learn from after the simulation, such as composites."
    )
    inpainting: InpaintingSettings = Field(InpaintingSettings(), description="How it learns from them.")
    loader_workers: int = Field(1, ge=0, description="Processes that simulate regions while the network learns.")

    @model_validator(mode="after")
    def _learn_something(self) -> Self:
        if not self.epochs and self.unlabelled is None:
            raise ValueError("epochs is 0 and unlabelled names no folder: there is nothing to learn from")
        return self

    @property
    def all_epochs(self) -> int:
        """Epochs on simulated regions, and those on images without labels."""
        return self.epochs + (0 if self.unlabelled is None else self.inpainting.epochs)

    @property
    def options(self) -> dict[str, Any]:
        """The overrides without those that are null."""
        return {name: value for name, value in (self.overrides or {}).items() if value is not None}
