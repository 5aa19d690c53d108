"""A model as a STAC item of the machine learning model extension, version 1.4.0.

https://github.com/stac-extensions/mlm. Its place is that of the training chips; its time has no end, as in the
extension's own examples of models that may be applied to any image.
"""

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import pystac
import shapely

from mining_the_mines.geo.antimeridian import split_boxes
from mining_the_mines.models.description import PROGRAM, ModelDescription
from mining_the_mines.registry.package import CARD, PackageFacts
from mining_the_mines.sentinel2.bands import BANDS

EXTENSIONS: Final = tuple(
    f"https://stac-extensions.github.io/{name}/v{number}/schema.json"
    for name, number in (("mlm", "1.4.0"), ("eo", "2.0.0"))
)
#: Beginning of Sentinel-2A's level 2A, and no end.
_FIRST, _LAST = "2015-06-27T00:00:00Z", "9999-12-31T23:59:59Z"
_EVERYWHERE: Final = (-180.0, -90.0, 180.0, 90.0)


def describe_model(description: ModelDescription, facts: PackageFacts, folder: Path) -> pystac.Item:
    """Describe a model.

    Args:
        description: Input and output of the model.
        facts: Further facts.
        folder: Holds the card, and ``model.pt2`` at any depth.

    Returns:
        An item with assets relative to the folder; the same model gives the same item.

    Raises:
        FileNotFoundError: There is no program in the folder.
    """
    box = facts.bounds or _EVERYWHERE
    item = pystac.Item(
        id=facts.name,
        geometry=shapely.geometry.mapping(shapely.union_all(shapely.box(*split_boxes(np.array([box])).T))),
        bbox=list(box),
        datetime=None,
        properties={
            "start_datetime": _FIRST,
            "end_datetime": _LAST,
            "description": _purpose(description),
            "bands": [_band(name) for name in description.bands],
            **_properties(description, facts),
            **{f"mines:{figure.split}:{figure.metric}": figure.value for figure in facts.scores},
        },
        stac_extensions=list(EXTENSIONS),
    )
    item.add_asset("model", _program(folder, description))
    card = pystac.Asset(f"./{CARD}", title="Model card", media_type="text/markdown", roles=["metadata"])
    item.add_asset("card", card)
    return item


def write_model_item(item: pystac.Item, path: Path) -> None:
    """Write an item as JSON; the same item gives the same bytes.

    Args:
        item: The item.
        path: File to write.
    """
    content = item.to_dict(include_self_link=False, transform_hrefs=False)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _purpose(description: ModelDescription) -> str:
    what = "a chip shows a mine" if description.task == "classification" else "each pixel belongs to a mine"
    return f"Says how likely {what}, from Sentinel-2 surface reflectance."


def _band(name: str) -> dict[str, Any]:
    band = BANDS[name]
    return {
        "name": name,
        "eo:common_name": band.common_name,
        "eo:center_wavelength": band.wavelength / 1000,
        "eo:full_width_half_max": band.width / 1000,
        "gsd": band.resolution,
    }


def _properties(description: ModelDescription, facts: PackageFacts) -> dict[str, Any]:
    size, judged = description.chip_size, description.task == "classification"
    task = "scene-classification" if judged else "semantic-segmentation"
    result = (
        {"shape": [-1], "dim_order": ["batch"], "data_type": "float64"}
        if judged
        else {"shape": [-1, size, size], "dim_order": ["batch", "height", "width"], "data_type": "float32"}
    )
    return {
        "mlm:name": facts.name,
        "mlm:architecture": description.architecture,
        "mlm:tasks": [task],
        "mlm:framework": "PyTorch",
        "mlm:framework_version": description.versions["torch"],
        "mlm:accelerator_constrained": False,
        "mlm:input": [
            {
                "name": "reflectance",
                "description": description.reflectance,
                "bands": list(description.bands),
                "input": {
                    "shape": [-1, len(description.bands), size, size],
                    "dim_order": ["batch", "bands", "height", "width"],
                    "data_type": "float32",
                },
            }
        ],
        "mlm:output": [{"name": "probability", "description": description.output, "tasks": [task], "result": result}],
        "mlm:hyperparameters": {"threshold": description.threshold, "pixel_metres": description.pixel_metres},
        "mines:data_hash": facts.data_hash,
    }


def _program(folder: Path, description: ModelDescription) -> pystac.Asset:
    found = sorted(folder.rglob(PROGRAM))
    if not found:
        raise FileNotFoundError(folder / PROGRAM)
    return pystac.Asset(
        f"./{found[0].relative_to(folder).as_posix()}",
        title="Program of torch.export",
        description=description.input,
        media_type="application/zip; application=pytorch",
        roles=["mlm:model"],
        extra_fields={"mlm:artifact_type": "torch.export.save"},
    )
