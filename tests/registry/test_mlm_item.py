"""A model as a STAC item, read back by pystac's own extension."""

import json
from pathlib import Path

import pystac
import pytest
from pystac.extensions.mlm import MLMExtension, TaskType

from mining_the_mines.registry.mlm_item import describe_model, write_model_item
from support.registered_models import BANDS, description, facts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model's folder with a program somewhere below it."""
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "artifacts/model.pt2").write_bytes(b"")
    return tmp_path


@pytest.mark.parametrize(
    ("task", "called", "output"),
    [("classification", TaskType.SCENE_CLASSIFICATION, [-1]),
     ("segmentation", TaskType.SEMANTIC_SEGMENTATION, [-1, 32, 32])],
)  # fmt: skip
def test_pystac_reads_input_and_output(folder: Path, task: str, called: TaskType, output: list[int]) -> None:
    path = folder / "mlm_item.json"
    write_model_item(describe_model(description(task), facts(), folder), path)
    item = pystac.Item.from_dict(json.loads(path.read_text(encoding="utf-8")))
    model = MLMExtension.ext(item)
    assert (model.mlm_name, model.framework, model.tasks) == ("mine-classifier", "PyTorch", [called])
    taken, given = model.input[0], model.output[0]
    assert taken.bands == list(BANDS)
    assert (taken.input.shape, taken.input.dim_order[1], taken.input.data_type) == ([-1, 6, 32, 32], "bands", "float32")
    assert given.result.shape == output
    assert [band["name"] for band in item.properties["bands"]] == list(BANDS)  # the extension asks for it
    assert item.assets["model"].href == "./artifacts/model.pt2"
    assert item.assets["model"].roles == ["mlm:model"]
    assert item.assets["model"].extra_fields["mlm:artifact_type"] == "torch.export.save"


def test_the_item_lies_where_its_chips_lie(folder: Path) -> None:
    assert describe_model(description(), facts(), folder).bbox == [-60, -5, -50, 2]
    assert describe_model(description(), facts(bounds=None), folder).bbox == [-180, -90, 180, 90]


def test_a_folder_without_a_program_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        describe_model(description(), facts(), tmp_path)
