"""Tiny products as Copernicus delivers them: folders and ZIPs of JPEG 2000 files and metadata."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.transform import from_origin

from mining_the_mines.sentinel2.bands import BANDS

#: Corners of tiles lie on multiples of 60 m.
LEFT, TOP, SIDE = 600_000, 9_400_020, 24
ZONE: Final = 32721
TILE: Final = "21MTN"
_CLEAR: Final = 4

Numbers = npt.NDArray[Any]


@dataclass(frozen=True)
class Safe:
    """A product.

    Attributes:
        level: ``2A`` or ``1C``.
        baseline: Processing baseline.
        offsets: Digital numbers that are added, by band; ``None`` for products that list none.
        lacking: Images that are left out although the metadata list them, such as ``B05_20m``.
        classes: Scene classification of all pixels.
        document: The product's document; ``None`` for a complete one.
        tiles: One granule each; several for a product of before 2017.
        day: Of August 2023.
    """

    level: str = "2A"
    baseline: str = "05.10"
    offsets: Mapping[str, int] | None = field(default_factory=lambda: dict.fromkeys(BANDS, -1000))
    lacking: tuple[str, ...] = ()
    classes: int = _CLEAR
    document: str | None = None
    tiles: tuple[str, ...] = (TILE,)
    day: int = 15

    @property
    def name(self) -> str:
        """Name of the product."""
        version = self.baseline.replace(".", "")
        return f"S2B_MSIL{self.level}_202308{self.day:02d}T140051_N{version}_R067_T{TILE}_202308{self.day:02d}T180000"

    @property
    def images(self) -> dict[str, str]:
        """Band, or SCL, by the last part of its images' names: all that the level has."""
        if self.level == "1C":
            return {f"B{band[1:]:0>2}": band for band in BANDS}
        found = {}
        for band, facts in BANDS.items():
            for step in (10, 20, 60):
                if band != "B10" and step >= facts.resolution and not (band == "B8" and step > 10):
                    found[f"B{band[1:]:0>2}_{step}m"] = band
        return {**found, "SCL_20m": "SCL", "SCL_60m": "SCL"}


def reflectance(seed: int = 0) -> npt.NDArray[np.float64]:
    """Reflectance of the ground, (13, 60 m pixels, 60 m pixels): the same for all pixels of 10 m in one."""
    return np.random.default_rng(seed).uniform(0.01, 0.4, (len(BANDS), SIDE // 6, SIDE // 6)).round(4)


def write_safe(folder: Path, product: Safe = Safe(), name: str | None = None) -> Path:
    """Write a product's folder.

    Args:
        folder: Folder that it is written into.
        product: The product.
        name: Name of its folder; the product's own with the suffix by default.
    """
    root = folder / (name or f"{product.name}.SAFE")
    listed = []
    for place, tile in enumerate(product.tiles):
        granule = f"GRANULE/L{product.level}_T{tile}_A033652_20230815T140053"
        write(root / granule / "MTD_TL.xml", _tile_document(product))
        write_jp2(root / granule / "QI_DATA" / "MSK_DETFOO_B02.jp2", np.ones((4, 4), np.uint8), 60)
        write_jp2(root / granule / "QI_DATA" / "MSK_CLDPRB_60m.jp2", np.eye(SIDE // 6, dtype=np.uint8), 60)
        write_jp2(root / granule / "QI_DATA" / f"T{tile}_20230815T140051_PVI.jp2", np.ones((4, 4), np.uint8), 60)
        for end, band in product.images.items():
            file = f"{granule}/IMG_DATA/{f'R{end[-3:]}/' if product.level == '2A' else ''}T{tile}_20230815T140051_{end}"
            listed.append(file)
            if end not in product.lacking:
                step = int(end[-3:-1]) if product.level == "2A" else BANDS[band].resolution
                write_jp2(root / f"{file}.jp2", _numbers(product, band, 60 // step, seed=place), step, place)
    files = [path for path in root.rglob("*") if path.is_file()]
    write(
        root / f"MTD_MSIL{product.level}.xml",
        _document(product, listed) if product.document is None else product.document,
    )
    write(root / "manifest.safe", _manifest({path.relative_to(root).as_posix(): path.stat().st_size for path in files}))
    return root


def zipped(safe: Path, path: Path) -> Path:
    """Write a product's ZIP, as the archive delivers it."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(safe.rglob("*")):
            archive.write(file, file.relative_to(safe.parent))
    return path


def without_offset(product: Safe = Safe()) -> Safe:
    """The same product without offset."""
    return replace(product, offsets=None)


def write(path: Path, text: str) -> None:
    """Write a document."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def write_jp2(path: Path, numbers: Numbers, step: int, east: int = 0) -> None:
    """Write an image without loss, ``east`` scenes beside the first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    place = {"crs": f"EPSG:{ZONE}", "transform": from_origin(LEFT + east * SIDE * 10, TOP, step, step)}
    with rasterio.open(
        path, "w", driver="JP2OpenJPEG", count=1, height=numbers.shape[0], width=numbers.shape[1],
        dtype=numbers.dtype, QUALITY="100", REVERSIBLE="YES", **place,
    ) as image:  # fmt: skip
        image.write(numbers, 1)
    for other in path.parent.glob(f"{path.name}.*"):
        other.unlink()


def _numbers(product: Safe, band: str, factor: int, seed: int) -> Numbers:
    if band == "SCL":
        return np.full((SIDE // 6 * factor,) * 2, product.classes, np.uint8)
    plane = reflectance(seed)[list(BANDS).index(band)] * 10_000 - (product.offsets or {}).get(band, 0)
    return np.kron(np.rint(plane), np.ones((factor, factor))).astype(np.uint16)


def _document(product: Safe, images: list[str]) -> str:
    short = {"2A": "BOA", "1C": "RADIO"}[product.level]
    quantification = {"2A": "BOA_QUANTIFICATION_VALUE", "1C": "QUANTIFICATION_VALUE"}[product.level]
    offsets = "".join(
        f'<{short}_ADD_OFFSET band_id="{list(BANDS).index(band)}">{offset}</{short}_ADD_OFFSET>'
        for band, offset in (product.offsets or {}).items()
    )
    listed = "".join(f"<IMAGE_FILE>{image}</IMAGE_FILE>" for image in images)
    space = "https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-2A.xsd"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<n1:Level-{product.level}_User_Product xmlns:n1="{space}"><n1:General_Info><Product_Info>
<PRODUCT_START_TIME>2023-08-{product.day:02d}T14:00:51.024Z</PRODUCT_START_TIME>
<PRODUCT_URI>{product.name}.SAFE</PRODUCT_URI><PROCESSING_BASELINE>{product.baseline}</PROCESSING_BASELINE>
<GENERATION_TIME>2023-08-{product.day:02d}T18:00:00.000000Z</GENERATION_TIME>
<Datatake><SPACECRAFT_NAME>Sentinel-2B</SPACECRAFT_NAME></Datatake>
<Product_Organisation><Granule_List><Granule>{listed}</Granule></Granule_List></Product_Organisation></Product_Info>
<Product_Image_Characteristics>
<Special_Values><SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT><SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX></Special_Values>
<{quantification} unit="none">10000</{quantification}>{offsets}
</Product_Image_Characteristics></n1:General_Info>
<n1:Quality_Indicators_Info><Cloud_Coverage_Assessment>12.5</Cloud_Coverage_Assessment></n1:Quality_Indicators_Info>
</n1:Level-{product.level}_User_Product>"""


def _tile_document(product: Safe) -> str:
    return f"<Tile><SENSING_TIME>2023-08-{product.day:02d}T14:03:30.120Z</SENSING_TIME></Tile>"


def _manifest(sizes: Mapping[str, int]) -> str:
    streams = "".join(
        f'<byteStream size="{size}"><fileLocation href="./{file}"/></byteStream>' for file, size in sizes.items()
    )
    return f"<xfdu>{streams}</xfdu>"
