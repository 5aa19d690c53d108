"""The one judge of pixels: what can't be trusted is a fault, what looks odd a doubt. It takes plain arrays and names.

Chips, scenes, composites and requests to a served model are asked the same questions: is there data, is the scale
plausible, was the offset of processing baseline 04.00 left in or taken off twice, is a band constant or a copy, do the
spectra contradict physics as if bands were swapped, has a pixel the size that the model knows.

Faults and doubts are texts as ``kind: sentence``; the kind is the same whatever the file.

The spectral rules hold for any natural surface (R. N. Clark, 1999, *Spectroscopy of Rocks and Minerals, and Principles
of Spectroscopy*; Sentinel-2 User Handbook, 2015): water in plants and soils absorbs more at 2.2 µm than at 1.6 µm;
plants reflect more in the near infrared than in red and at 1.6 µm; the near infrared has no narrow features.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from mining_the_mines.sentinel2.offset_checks import offset_left_in, offset_taken_twice

Pixels = npt.NDArray[np.float32]
Planes = Mapping[str, Pixels]

#: Relative difference up to which pixels count as equally large, since degrees are no metres.
PIXEL_TOLERANCE: Final = 0.2
#: Pixels that doubts are looked for in; more hardly change a share.
_SAMPLE: Final = 2**12
#: The largest number of an 8-bit picture, read as a digital number.
_BRIGHTEST_PICTURE: Final = 0.0256
#: Plants reflect more in the near infrared, even in low sun.
_DARKEST_PLANTS: Final = 0.05
#: Share of the pixels that a rule must concern before it says anything.
_LEAST_SHARE: Final = 0.05


@dataclass(frozen=True)
class Limits:
    """Limits of usable pixels.

    Attributes:
        nodata_share: Largest share of values without data.
        lowest: Lowest plausible reflectance.
        highest: Highest plausible reflectance.
        implausible_share: Largest share of values outside of these.
    """

    nodata_share: float = 0.5
    lowest: float = -0.09
    highest: float = 2.0
    implausible_share: float = 0.05


@dataclass(frozen=True)
class Verdict:
    """The judgement of pixels.

    Attributes:
        fault: The first reason not to trust them, or ``None``.
        doubts: Reasons to look twice, each with the way out.
    """

    fault: str | None
    doubts: tuple[str, ...] = ()


USUAL_LIMITS: Final = Limits()


def judge_pixels(reflectance: Pixels, bands: Sequence[str], limits: Limits = USUAL_LIMITS) -> Verdict:
    """Judge the pixels of a chip, of a part of a scene, or of a request.

    Args:
        reflectance: float32 (bands, height, width), NaN without data.
        bands: Names of the bands, in the order of the array.
        limits: Limits of usable pixels.

    Returns:
        The first fault, and if there is none, all doubts.
    """
    lows, highs = reflectance.min(axis=(1, 2)), reflectance.max(axis=(1, 2))
    if np.isnan(lows).any():
        fault = _nodata_fault(reflectance, bands, limits)
        if fault is not None:
            return Verdict(fault)
        lows, highs = np.nanmin(reflectance, axis=(1, 2)), np.nanmax(reflectance, axis=(1, 2))
    if not (np.isfinite(lows).all() and np.isfinite(highs).all()):
        return Verdict(f"non-finite: {int(np.isinf(reflectance).sum())} values are infinite")
    constant = [band for band, low, high in zip(bands, lows, highs, strict=True) if low == high]
    if constant:
        return Verdict(f"constant: {', '.join(constant)} has the same value everywhere")
    fault = _implausible_fault(reflectance, lows, highs, limits)
    if fault is not None:
        return Verdict(fault)
    sample = _sample(reflectance)
    planes = dict(zip(bands, sample, strict=True))
    return _dark_fault(planes, sample) or _judge_spectra(planes, sample, bands)


def pixel_size_fault(metres: tuple[float, float], wanted: float) -> str | None:
    """Compare the size of a pixel on the ground with the one that a model knows.

    Args:
        metres: Width and height of a pixel.
        wanted: Edge of the pixels that the model was trained on, in metres.

    Returns:
        The sizes in words, or ``None`` if they agree.
    """
    if all(abs(edge / wanted - 1) <= PIXEL_TOLERANCE for edge in metres):
        return None
    width, height = (f"{edge:.3g}" for edge in metres)
    return f"{width if width == height else f'{width} × {height}'} m where {wanted:g} m are wanted"


def gather_doubts(doubts: Mapping[str, Sequence[str]], things: str) -> list[str]:
    """Gather the doubts about many files into one sentence per kind.

    Args:
        doubts: Doubts by name of the file.
        things: Word for the files, such as ``chips``.

    Returns:
        Sentences for warnings, such as ``Offset left in: 3 of 10 chips, such as a.tif: nothing is darker …``.
    """
    kinds: dict[str, list[tuple[str, str]]] = {}
    for name, texts in doubts.items():
        for text in texts:
            kind, _, sentence = text.partition(": ")
            kinds.setdefault(kind, []).append((name, sentence))
    return [
        f"{kind[0].upper()}{kind[1:]}: {_some(found, len(doubts), things)}: {found[0][1]}"
        for kind, found in kinds.items()
    ]


def _some(found: Sequence[tuple[str, str]], count: int, things: str) -> str:
    return found[0][0] if count == 1 else f"{len(found)} of {count} {things}, such as {found[0][0]}"


def _nodata_fault(reflectance: Pixels, bands: Sequence[str], limits: Limits) -> str | None:
    shares = np.isnan(reflectance).mean(axis=(1, 2))
    if (shares == 1).all():
        return "empty: no data, or zero in every band"
    share = float(shares.mean())
    if share > limits.nodata_share:
        return f"too much nodata: {share:.0%} of its values, where {limits.nodata_share:.0%} are allowed"
    blank = [band for band, part in zip(bands, shares, strict=True) if part == 1]
    if blank:
        return f"empty band: {', '.join(blank)} holds no data"
    return None


def _implausible_fault(reflectance: Pixels, lows: Pixels, highs: Pixels, limits: Limits) -> str | None:
    if lows.min() >= limits.lowest and highs.max() <= limits.highest:
        return None
    share = float(((reflectance < limits.lowest) | (reflectance > limits.highest)).mean())
    if share <= limits.implausible_share:
        return None
    bright = float(np.nanpercentile(reflectance, 99))
    scale = next((scale for scale in (10_000, 1_000, 100) if 0.15 <= bright / scale <= 1.5), None)
    way_out = "is the scale right?" if scale is None else f"they look like reflectance × {scale}: set imagery.scale"
    return (
        f"implausible reflectance: {share:.0%} of its values lie outside {limits.lowest:g} to {limits.highest:g} "
        f"(it spans {lows.min():g} to {highs.max():g}); {way_out}{'' if scale is None else f' to {scale}'}"
    )


def _sample(reflectance: Pixels) -> Pixels:
    """Pixels with data in all bands, (bands, pixels), at most :data:`_SAMPLE`."""
    flat = reflectance.reshape(len(reflectance), -1)
    flat = flat[:, :: max(1, flat.shape[1] // _SAMPLE)]
    return flat[:, np.isfinite(flat).all(axis=0)]


def _dark_fault(planes: Planes, sample: Pixels) -> Verdict | None:
    """Find numbers that were divided too often, such as an 8-bit picture or reflectance read as digital numbers.

    Water is as dark, and darker in the infrared than in green.
    """
    if not sample.size:
        return Verdict(None)
    bright = float((sample >= _BRIGHTEST_PICTURE).mean(axis=1).max())
    infrared = next((planes[band] for band in ("B8", "B8A", "B11", "B12") if band in planes), None)
    water = infrared is not None and "B3" in planes and bool(np.median(infrared) < np.median(planes["B3"]))
    if bright < 0.005 and not water:
        return Verdict(
            f"too dark: nothing is brighter than {_BRIGHTEST_PICTURE:g}, as in an 8-bit picture or where the scale is "
            "wrong; use the original image, or set imagery.scale"
        )
    if {"B4", "B8"} <= set(planes):
        plants = _plants(planes)
        if plants.mean() > 0.1 and (light := float(np.percentile(planes["B8"][plants], 90))) < _DARKEST_PLANTS:
            return Verdict(
                f"too dark: plants reflect more than {_DARKEST_PLANTS:g} in B8, and here nine tenths of them less than "
                f"{light:.2g}; set imagery.scale"
            )
    return None


def _judge_spectra(planes: Planes, sample: Pixels, bands: Sequence[str]) -> Verdict:
    """Judge offset, copies and spectra; an offset that is wrong bends the spectra."""
    offset = _offset_doubt(sample[:, None, :], bands)
    if offset is not None:
        return Verdict(None, (offset,))
    doubts = []
    copies = [
        f"{second} and {first}"
        for place, second in enumerate(bands)
        for first in bands[:place]
        if planes[first].size > 1
        and planes[first][-1] == planes[second][-1]
        and np.array_equal(planes[first], planes[second])
    ]
    if copies:
        doubts.append(f"copied bands: {', '.join(copies)} hold the same values; give each band its own.")
    for rule in _RULES:
        share = rule.share(planes)
        told = f"{share:.0%} of the pixels asked, as if bands were swapped; check which band is which"
        if share > rule.impossible:
            return Verdict(f"swapped bands: {rule.sentence} in {told}")
        if share > rule.odd:
            doubts.append(f"{rule.sentence}: {told}.")
    return Verdict(None, tuple(doubts))


def _offset_doubt(cube: Pixels, bands: Sequence[str]) -> str | None:
    if offset_left_in(cube, bands):
        return (
            "offset left in: nothing is darker than 0.09, as if the 1000 that processing baseline 04.00 adds were "
            "never removed; if so, set imagery.offset to -0.1."
        )
    if offset_taken_twice(cube, bands):
        return (
            "offset taken off twice: visible light falls below -0.04, as if 1000 were taken off that were not there; "
            "if so, set imagery.offset to 0.1."
        )
    return None


def _plants(planes: Planes) -> npt.NDArray[np.bool_]:
    """Pixels that are green by the normalised difference of near infrared and red."""
    return np.asarray(planes["B8"] - planes["B4"] > 0.5 * np.abs(planes["B8"] + planes["B4"]))


_Pair = tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]


@dataclass(frozen=True)
class _Rule:
    """What no natural surface does.

    Attributes:
        sentence: It, in words.
        bands: Bands that it compares.
        check: Returns the pixels that it concerns, and those that do it.
        odd: Share of the pixels concerned beyond which it is a doubt; real chips stay below.
        impossible: Share beyond which it is a fault.
    """

    sentence: str
    bands: tuple[str, ...]
    check: Callable[[Planes], _Pair]
    odd: float = 0.15
    impossible: float = 0.6

    def share(self, planes: Planes) -> float:
        """Share of the pixels concerned that contradict physics; 0 if the rule concerns too few."""
        if not set(self.bands) <= set(planes):
            return 0.0
        concerned, wrong = self.check(planes)
        return float(wrong[concerned].mean()) if concerned.mean() >= _LEAST_SHARE else 0.0


def _short_wave(planes: Planes) -> _Pair:
    bright = (planes["B12"] > 0.05) & ~_snow(planes)
    return bright, planes["B12"] > 1.15 * planes["B11"]


def _visible_infrared(planes: Planes) -> _Pair:
    visible = np.max([planes[band] for band in ("B2", "B3", "B4") if band in planes], axis=0)
    bright = np.ones(visible.shape, dtype=bool)
    return bright, (visible > 0.1) & (planes["B8"] < 0.5 * visible) & (planes["B11"] > planes["B8"])


def _green_plants(planes: Planes) -> _Pair:
    return _plants(planes), planes["B11"] > 1.15 * planes["B8"]


def _near_infrared(planes: Planes) -> _Pair:
    ratio = np.divide(planes["B8A"], planes["B8"], out=np.ones_like(planes["B8"]), where=planes["B8"] > 0)
    return (planes["B8"] > 0.1) | (planes["B8A"] > 0.1), (ratio < 0.6) | (ratio > 1.6)


def _red_edge(planes: Planes) -> _Pair:
    bright = (planes["B7"] > 0.1) | (planes["B6"] > 0.1)
    return bright, (planes["B6"] > 1.3 * planes["B7"]) | (planes["B7"] > 2 * planes["B6"])


def _snow(planes: Planes) -> npt.NDArray[np.bool_]:
    """Bright in visible light and dark at 1.6 µm, where its two short-wave bands are about equal."""
    green = planes.get("B3", planes.get("B4", planes.get("B2")))
    return np.zeros(planes["B11"].shape, dtype=bool) if green is None else (green > 0.4) & (planes["B11"] < 0.4 * green)


def _bare_ground(planes: Planes) -> _Pair:
    bare = (planes["B11"] > 0.2) & (planes["B11"] >= planes["B8"]) & (planes["B12"] > 0.6 * planes["B11"])
    return bare, planes["B2"] > planes["B4"]


_RULES: Final = (
    _Rule("B12 reflects more than B11", ("B11", "B12"), _short_wave),
    _Rule("visible light is brighter than B8, and B8 darker than B11", ("B4", "B8", "B11"), _visible_infrared),
    _Rule("green plants reflect more in B11 than in B8", ("B4", "B8", "B11"), _green_plants, odd=0.5, impossible=0.8),
    _Rule("bare ground is blue", ("B2", "B4", "B8", "B11", "B12"), _bare_ground, odd=0.5, impossible=0.9),
    _Rule("B8A differs from B8", ("B8", "B8A"), _near_infrared, impossible=0.8),
    _Rule("B6 and B7 are no neighbours", ("B6", "B7"), _red_edge, impossible=0.8),
)
