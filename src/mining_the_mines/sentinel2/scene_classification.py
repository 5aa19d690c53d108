"""The scene classification of a level-2A product (its SCL band), and which of its pixels are clear.

Codes: ESA, *Sentinel-2 Products Specification Document*, table "Scene Classification". Sen2Cor computes them at 20 m
from thresholds, and errs: it misses thin edges of clouds and of shadows, which is why both are grown here.
"""

import math
from enum import IntEnum
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from scipy.ndimage import distance_transform_edt


class SceneClass(IntEnum):
    """Sen2Cor's class of a pixel."""

    NO_DATA = 0
    """Outside the swath, or lost on the way down."""
    SATURATED_OR_DEFECTIVE = 1
    """A detector that was blinded or does not work."""
    DARK_AREA = 2
    """Too dark to say; since processing baseline 04.00, a shadow that a mountain casts."""
    CLOUD_SHADOW = 3
    """The shadow of a cloud, where a cloud's place and the sun's suggest one."""
    VEGETATION = 4
    """Green plants."""
    NOT_VEGETATED = 5
    """Bare soil, rock, towns, and mines."""
    WATER = 6
    """Open water."""
    UNCLASSIFIED = 7
    """No test was sure; called "cloud, low probability" in early products."""
    CLOUD_MEDIUM_PROBABILITY = 8
    """Probably cloud."""
    CLOUD_HIGH_PROBABILITY = 9
    """Surely cloud."""
    THIN_CIRRUS = 10
    """A high, thin cloud, seen in the cirrus band B10."""
    SNOW_OR_ICE = 11
    """Snow or ice."""


#: Classes that do not show the ground. Dark areas, water and unclassified pixels are kept: ponds of mines, wet
#: tailings and fresh soil are often called so, and an odd shadow among them does not move a median. So is snow: it is
#: a true sight of the ground, and in the tropics a bright mine that was mistaken for it.
MASKED: Final = (
    SceneClass.NO_DATA,
    SceneClass.SATURATED_OR_DEFECTIVE,
    SceneClass.CLOUD_SHADOW,
    SceneClass.CLOUD_MEDIUM_PROBABILITY,
    SceneClass.CLOUD_HIGH_PROBABILITY,
    SceneClass.THIN_CIRRUS,
)

#: Masked classes whose edges are soft. The edge of a swath is sharp: beside it, nothing is lost.
GROWING: Final = (
    SceneClass.CLOUD_SHADOW,
    SceneClass.CLOUD_MEDIUM_PROBABILITY,
    SceneClass.CLOUD_HIGH_PROBABILITY,
    SceneClass.THIN_CIRRUS,
)

#: Distance in pixels up to which clouds are grown by shifting images.
_SMALL: Final = 4


class ClearSkySettings(BaseModel):
    """Mask of clouds and cloud shadows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Literal["scl", "csmask", "both"] = Field(
        "scl",
        description="Source of the cloud mask: scl is the archive's (mask_asset); csmask is computed by the networks "
        "of the package ukis-csmask, also for level 1C; both masks what either does.",
    )
    masked: tuple[SceneClass, ...] = Field(
        MASKED, description="Masked classes of the scene classification, by name (such as cloud_shadow) or code."
    )
    dilation_metres: float = Field(
        40.0,
        ge=0,
        description="Distance in metres around clouds and cloud shadows that is masked, too: Sen2Cor misses edges.",
    )

    @model_validator(mode="after")
    def _told_by_networks(self) -> "ClearSkySettings":
        others = [kind.name.lower() for kind in self.masked if kind not in MASKED]
        if self.source == "csmask" and others:
            raise ValueError(
                f"masked names {', '.join(others)}, and csmask tells clouds and their shadows alone: set source to both"
            )
        return self

    @field_validator("masked", mode="before")
    @classmethod
    def _named(cls, given: object) -> object:
        if not isinstance(given, list | tuple):
            return given
        return tuple(_scene_class(entry) for entry in given)


def clear_pixels(
    classes: npt.NDArray[np.uint8], settings: ClearSkySettings, pixel_metres: float
) -> npt.NDArray[np.bool_]:
    """Find the pixels where the ground is seen.

    Args:
        classes: Codes of the scene classification, uint8 (dates, height, width) or (height, width).
        settings: Masked classes, and dilation.
        pixel_metres: Edge of a pixel in metres.

    Returns:
        Booleans of the same shape. Masked clouds and shadows are grown by a disk; all other classes are not. A code
        that stands for no class is not clear.
    """
    seen = np.zeros(256, dtype=bool)
    seen[list(SceneClass)] = True
    seen[list(settings.masked)] = False
    clear: npt.NDArray[np.bool_] = seen[classes]
    growing = np.zeros(256, dtype=bool)
    growing[[kind for kind in settings.masked if kind in GROWING]] = True
    reach = settings.dilation_metres / pixel_metres
    if reach >= 1:
        size = classes.shape[-2:]
        for seen_that_day, codes in zip(clear.reshape(-1, *size), classes.reshape(-1, *size), strict=True):
            seen_that_day[_within(growing[codes], reach)] = False
    return clear


def _within(cloud: npt.NDArray[np.bool_], pixels: float) -> npt.NDArray[np.bool_]:
    """Pixels whose centre lies no further than ``pixels`` from the centre of a cloud's pixel."""
    if not cloud.any():
        return cloud
    if pixels <= _SMALL:
        return _dilated(cloud, pixels)
    near: npt.NDArray[np.bool_] = distance_transform_edt(~cloud) <= pixels
    return near


def _dilated(cloud: npt.NDArray[np.bool_], pixels: float) -> npt.NDArray[np.bool_]:
    """The same by shifting whole images, which is tens of times faster for a small distance."""
    reach = math.floor(pixels)
    wide = np.pad(cloud, reach)
    near = np.zeros_like(cloud)
    height, width = cloud.shape
    for down in range(-reach, reach + 1):
        for across in range(-reach, reach + 1):
            if math.hypot(down, across) <= pixels:
                near |= wide[reach + down : reach + down + height, reach + across : reach + across + width]
    return near


def _scene_class(entry: object) -> SceneClass:
    names = {kind.name.lower(): kind for kind in SceneClass}
    if isinstance(entry, str) and entry.lower() in names:
        return names[entry.lower()]
    if isinstance(entry, int) and entry in names.values():
        return SceneClass(entry)
    raise ValueError(f"{entry!r} is no class of the scene classification: choose from {', '.join(names)}.")
