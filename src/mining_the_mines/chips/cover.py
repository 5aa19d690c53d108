"""Features that say what lies beside what: soft land-cover maps and their neighbourhoods.

A mine is seldom told by a colour: sand bars are as bright as spoil, fish ponds as turbid as tailings. What tells it is
bright bare ground and turbid water within a few pixels of each other, in small patches. Each pixel belongs to each
cover to a degree between 0 and 1, so that a hazy or a dark chip changes figures a little instead of tipping them over.

Covers are told by NDVI (J. W. Rouse et al., 1974) and MNDWI (H. Xu, 2006), and by surface reflectance of red, blue and
short-wave infrared. The midpoints lie where those covers part in published spectra (water below, soil and sand above);
they are physical, not fitted to any labels.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.sentinel2.indices import normalised_difference

Map = npt.NDArray[np.float32]
#: To what degree, 0 to 1, values exceed a middle: the logistic function of (values, middle, width).
Above = Callable[[Any, float, float], Any]

#: Bands that the covers are told by.
BANDS: Final = ("B2", "B3", "B4", "B8", "B11")
#: Edges of the neighbourhoods, in pixels of 10 m.
WINDOWS: Final = (3, 7, 15)
#: Covers whose nearness to each other is measured.
PAIRS: Final = (
    ("bare", "water"),
    ("bright", "water"),
    ("bright", "turbid"),
    ("bright", "green"),
    ("turbid", "green"),
    ("white", "turbid"),
    ("white", "clear"),
    ("bright", "clear"),
)
#: Covers that exclude each other and together make up a pixel.
PARTS: Final = ("clear", "turbid", "bare", "green")


def _above(values: Map, middle: float, width: float) -> Map:
    """Degree, 0 to 1, to which values exceed the middle; the logistic function."""
    degree: Map = 1 / (1 + np.exp(-np.clip((values - middle) / width, -30, 30)))
    return degree


def cover_features(bands: Mapping[str, Map]) -> dict[str, float]:
    """Compute shares, patch sizes and nearness of land covers.

    Args:
        bands: Reflectance by band name, float32 (height, width) each, NaN without data.

    Returns:
        Name → value: ``water_share``, ``water_unsure`` (mixed pixels), ``water_clumped7`` (how much of the variance is
        left after smoothing over 7 pixels: large patches keep it), ``water_densest7``, ``bright_by_water7`` (both
        within 7 pixels; also ``_relative`` to what there is of both, and ``_most``), ``mixture7`` and ``mixture7_p90``
        (entropy). NaN for a chip without data.

    Raises:
        BadInputError: A band is missing.
    """
    missing = [band for band in BANDS if band not in bands]
    if missing:
        raise BadInputError(
            f"The feature family cover needs {', '.join(missing)}, which the chips lack: take it out of the parameter "
            f"features.families, or add the bands to imagery.bands."
        )
    valid = np.asarray(np.isfinite([bands[band] for band in BANDS]).all(axis=0))
    covers = cover_maps({band: np.where(valid, bands[band], 0) for band in BANDS})
    features = {}
    for name, cover in covers.items():
        features[f"{name}_share"] = _mean(cover, valid)
        features[f"{name}_unsure"] = _mean(cover * (1 - cover), valid)
    for window in WINDOWS:
        features |= _neighbourhood(covers, valid, window)
    return features


def cover_maps(bands: Mapping[str, Any], above: Above = _above) -> dict[str, Any]:
    """Tell to what degree each pixel belongs to each cover.

    Args:
        bands: Reflectance by band name, without gaps: NumPy arrays, or what else ``above`` takes.
        above: The logistic function, by default that of NumPy arrays.

    Returns:
        Cover → degree in 0–1, of the bands' shape. ``clear``, ``turbid``, ``bare`` and ``green`` add up to 1 where no
        pixel is both water and green; ``bright`` and ``white`` (washed quartz) are kinds of bare ground, ``shallow`` is
        water that still shines in the short-wave infrared: wet tailings, rims of ponds.
    """
    ndvi = normalised_difference(bands["B8"], bands["B4"])
    mndwi = normalised_difference(bands["B3"], bands["B11"])
    water = above(mndwi, -0.05, 0.08) * above(-ndvi, -0.35, 0.06)
    green = above(ndvi, 0.60, 0.06)
    bare = (1 - water) * (1 - green)
    turbid = water * above(bands["B4"], 0.07, 0.015)
    return {
        "water": water,
        "green": green,
        "bare": bare,
        "bright": bare * above(bands["B4"], 0.12, 0.02),
        "turbid": turbid,
        "clear": water - turbid,
        "white": bare * above(bands["B2"], 0.10, 0.015),
        "shallow": water * above(bands["B11"], 0.08, 0.02),
    }


def _neighbourhood(covers: Mapping[str, Map], valid: npt.NDArray[np.bool_], window: int) -> dict[str, float]:
    """Figures of the covers' means within a window around each pixel."""
    weight = uniform_filter(valid.astype(np.float32), window)
    around = {name: _smooth(cover, valid, weight, window) for name, cover in covers.items()}
    features = {}
    for name, cover in covers.items():
        features[f"{name}_clumped{window}"] = _variance(around[name], valid) / (_variance(cover, valid) + 1e-3)
        features[f"{name}_densest{window}"] = _most(around[name], valid)
    for first, second in PAIRS:
        both = around[first] * around[second]
        scarcer = min(_mean(around[first], valid), _mean(around[second], valid))
        near = f"{first}_by_{second}{window}"
        features[near] = _mean(both, valid)
        features[f"{near}_relative"] = features[near] / (scarcer + 0.01)
        features[f"{near}_most"] = _most(both, valid)
    shares = np.stack([around[part] for part in PARTS])
    mixture: Map = -(shares * np.log(shares + 1e-6)).sum(axis=0)
    features[f"mixture{window}"] = _mean(mixture, valid)
    features[f"mixture{window}_p90"] = float(np.percentile(mixture[valid], 90)) if valid.any() else float("nan")
    return features


def _smooth(cover: Map, valid: npt.NDArray[np.bool_], weight: Map, window: int) -> Map:
    """Mean of the valid pixels in a window around each."""
    total = uniform_filter(np.where(valid, cover, 0).astype(np.float32), window)
    smooth: Map = np.divide(total, weight, out=np.zeros_like(total), where=weight > 1e-6)
    return smooth


def _mean(values: Map, valid: npt.NDArray[np.bool_]) -> float:
    return float(values[valid].mean()) if valid.any() else float("nan")


def _variance(values: Map, valid: npt.NDArray[np.bool_]) -> float:
    return float(values[valid].var()) if valid.any() else float("nan")


def _most(values: Map, valid: npt.NDArray[np.bool_]) -> float:
    return float(values[valid].max()) if valid.any() else float("nan")
