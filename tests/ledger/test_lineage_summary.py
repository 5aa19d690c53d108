"""Which images, which model and which code stand behind a map, in words and for machines."""

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from mining_the_mines.core.hashing import ContentHashes
from mining_the_mines.ledger.lineage import Lineage, trace
from mining_the_mines.ledger.lineage_json import as_json
from mining_the_mines.ledger.lineage_subject import find_subject
from mining_the_mines.ledger.lineage_summary import Answer, gather
from mining_the_mines.ledger.lineage_text import describe, draw
from mining_the_mines.ledger.records import CodeState
from support.recorded_runs import LATER_RUN, RUN, START, Books, memory, tell_mapping, write_composite, write_map
from support.stac_catalogs import series

ORIGIN = "scene_maps:3f2a9c81d0b4"


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return tell_mapping(tmp_path)


def ask(books: Books, asked: str = ORIGIN) -> tuple[Lineage, Answer]:
    subject = find_subject(asked, books.ledger, books.project)
    found = trace(subject.state, books.ledger, books.witnesses, subject.part, subject.reader)
    return found, gather(found, books.project, ContentHashes())


def drawn(lineage: Lineage, depth: int | None = None) -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(draw(lineage, depth))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def words(books: Books, asked: str = ORIGIN) -> str:
    """The answer, with lines joined."""
    return " ".join(describe(*ask(books, asked)).split())


def test_a_polygons_origin_names_its_images_with_dates_and_addresses(books: Books) -> None:
    _, answer = ask(books)
    assert answer.images is not None
    assert [image.item for image in answer.images.scenes] == [scene.id for scene in series()]
    first = answer.images.scenes[0]
    assert (first.moment, first.platform, first.collection) == ("2022-01-03T14:00:00Z", "sentinel-2a", "sentinel-2-l2a")
    assert first.address == "./blue.tif"
    assert "4 scenes of sentinel-2-l2a from 2022-01-03 to 2022-01-18" in words(books)


def test_it_says_if_no_satellite_has_taken_them(books: Books) -> None:
    assert "They are simulated: no satellite has taken them." in words(books)


def test_it_names_the_model_its_threshold_and_what_it_learned_from(books: Books) -> None:
    _, answer = ask(books)
    (model,) = answer.models
    assert (model.threshold, model.trained_in, model.learned_from) == (0.625, (RUN,), {"tapajos": 2})
    told = words(books)
    assert "Model mine-segmenter 444cf440cffa, segmentation.segmenter:" in told
    assert "Learned from 2 chips (tapajos 2)." in told


def test_it_names_the_code_and_the_command_that_does_it_again(books: Books) -> None:
    told = words(books)
    assert "Code commit cccccccccccc; package dddddddddddd;" in told
    assert f"Again kedro reproduce {RUN}" in told


def test_uncommitted_changes_are_said_to_be_there_and_where_they_are_kept(tmp_path: Path) -> None:
    dirty = CodeState(commit="c" * 40, dirty=True, diff_hash="9" * 64, package_hash="d" * 64)
    books = Books(tmp_path, code=dirty)
    books.record("write", [], [memory("report")])
    told = words(books, "report")
    assert "with uncommitted changes (999999999999); the run keeps them as provenance/working_tree.diff" in told


def test_other_code_on_the_way_is_told(books: Books) -> None:
    books.run_id, books.code = LATER_RUN, CodeState(commit="b" * 40, dirty=False, diff_hash=None, package_hash="a" * 64)
    maps = ask(books)[0].root.state
    books.record("look", [maps], [memory("opinion")])
    told = words(books, "opinion")
    assert "Steps before it were made with 1 other state of the code: see the runs below." in told
    assert "222222222222" in drawn(ask(books, "opinion")[0])


def test_nothing_is_doubted_if_all_lies_where_it_did(books: Books) -> None:
    assert "Doubts none: all files that it was made from lie where they did, unchanged." in words(books)


def test_a_map_that_was_replaced_is_answered_from_the_records(books: Books) -> None:
    write_map(books, "bb" * 32)
    _, answer = ask(books)
    assert answer.map is None
    assert answer.images is not None
    assert len(answer.images.scenes) == len(series())
    assert "The folder of the map of tapajos holds another map today, or none." in words(books)


def test_files_that_have_changed_are_doubted(books: Books) -> None:
    books.file("mine_polygons", "other polygons", "data/01_raw/simulated/mines.gpkg")
    told = words(books)
    assert "What lies there today is not what it was then: simulated_series:" in told
    assert "mine_polygons:" in told.split("Doubts")[1]


def test_a_list_of_scenes_that_is_gone_is_told_instead_of_the_scenes(books: Books) -> None:
    for path in books.project.glob("data/01_raw/scenes.json/*/scenes.json"):
        path.unlink()
    _, answer = ask(books)
    assert answer.images is not None
    assert answer.images.scenes == ()
    assert "so they can't be named any more" in answer.images.remark


def test_a_list_of_scenes_that_can_not_be_read_is_no_crash(books: Books) -> None:
    lineage, _ = ask(books)
    scenes = lineage.nearest("scenes")
    assert scenes is not None
    assert scenes.state.path is not None
    (books.project / scenes.state.path).write_text("{", encoding="utf-8")
    answer = gather(lineage, books.project, ContentHashes())  # it broke after it was looked at
    assert answer.images is not None
    assert answer.images.scenes == ()


def map_named_raster(books: Books, content: bytes = b"other pixels", *, noted: bool = True) -> Path:
    """Have the books tell of the map of a raster that a person named."""
    raster = books.project / "anywhere.tif"
    raster.write_bytes(content)
    model = ask(books)[0].nearest("segmentation.segmenter")
    assert model is not None
    books.record("mapping.take_named_scenes", [], [memory("scenes_to_map", "named")], scene=str(raster))
    maps = write_map(books, "cc" * 32, raster, noted=noted)
    books.record("mapping.map_scenes", [memory("scenes_to_map", "named"), model.state], [maps])
    return raster


def test_a_raster_that_a_person_named_is_told_with_its_hash(books: Books) -> None:
    raster = map_named_raster(books)
    _, answer = ask(books, "scene_maps:cccc")
    assert answer.images is not None
    assert answer.images.raster is not None
    assert answer.images.raster.content_hash == ContentHashes().of(raster)
    assert answer.images.scenes == ()
    assert "Doubts none" in words(books, "scene_maps:cccc")


def test_another_raster_in_the_place_of_a_mapped_one_is_doubted_however_old_it_is(books: Books) -> None:
    raster = map_named_raster(books)
    then = ContentHashes().of(raster)[:12]
    raster.write_bytes(b"quite other pixels")
    os.utime(raster, (START.timestamp() - 1e6,) * 2)
    told = words(books, "scene_maps:cccc")
    assert f"(SHA-256 {then}, changed since)" in told
    assert told.endswith("Doubts What was mapped holds something else today: anywhere.tif.")


def test_a_mapped_raster_that_was_written_again_as_it_was_is_not_doubted(books: Books) -> None:
    raster = map_named_raster(books)
    raster.unlink()
    raster.write_bytes(b"other pixels")
    told = words(books, "scene_maps:cccc")
    assert "since" not in told
    assert "Doubts none" in told


def test_a_mapped_raster_that_is_gone_is_doubted(books: Books) -> None:
    map_named_raster(books).unlink()
    told = words(books, "scene_maps:cccc")
    assert ", gone since)" in told
    assert "What was mapped is gone: anywhere.tif." in told


def test_a_map_that_is_older_than_hashes_of_what_was_mapped_says_so(books: Books) -> None:
    map_named_raster(books, noted=False)
    told = words(books, "scene_maps:cccc")
    assert "(no record tells what it held)" in told
    assert "nothing tells what anywhere.tif held then." in told


def test_an_item_that_a_person_named_is_told_as_the_image(books: Books, tmp_path: Path) -> None:
    item = tmp_path / "item.json"
    item.write_text(json.dumps(series()[1].item()), encoding="utf-8")
    write_composite(books, "dd" * 32, "data/02_intermediate/scene_composites/tapajos")
    image = books.project / "data/02_intermediate/scene_composites/tapajos/tapajos.tif"
    books.record("mapping.map_scenes", [], [write_map(books, "cc" * 32, image, str(item))])
    _, answer = ask(books, "scene_maps:cccc")
    assert answer.images is not None
    assert [(image.item, image.address) for image in answer.images.scenes] == [(series()[1].id, str(item))]
    item.write_text("{", encoding="utf-8")
    assert series()[1].id not in words(books, "scene_maps:cccc")


def test_a_report_is_answered_as_maps_are(books: Books) -> None:
    told = words(books, "report")
    assert "4 scenes of sentinel-2-l2a from 2022-01-03 to 2022-01-18 for tapajos" in told
    assert "segmentation.segmenter:" in told


def test_what_was_handed_over_has_no_maker(books: Books) -> None:
    told = words(books, "simulated_series")
    assert "(simulated, data/01_raw/simulated)" in told
    assert "Made" not in told


def test_lines_fit_on_a_narrow_page(books: Books) -> None:
    lineage, answer = ask(books)
    lines = [*describe(lineage, answer).splitlines(), *drawn(lineage).splitlines()]
    assert max(map(len, lines)) <= 100


def test_the_tree_tells_of_each_step_once_and_of_what_was_not_given(books: Books) -> None:
    told = drawn(ask(books)[0])
    assert told.count("by preprocessing.composite_scenes") == 1
    assert told.count("(above)") > 2
    assert "concessions: none given" in told
    assert "part of simulated_series:" in told
    assert "by segmentation.train_segmenter, " not in told  # the function bears the node's name
    assert "by segmentation.train_segmenter in pipelines.training.nodes; takes training" in told


def test_the_tree_may_be_cut_off(books: Books) -> None:
    told = drawn(ask(books)[0], 1)
    assert "segmentation.segmenter" in told
    assert "segmentation.network" not in told
    assert "…" in told


def test_machines_are_told_everything(books: Books) -> None:
    lineage, answer = ask(books)
    told: dict[str, Any] = json.loads(json.dumps(as_json(lineage, answer)))
    assert told["part"] == "tapajos"
    assert told["reproduce"] == f"kedro reproduce {RUN}"
    root = told["steps"][told["dataset"]]
    assert root["made_by"]["parameters"] == {"params:mapping": {"overlap": 0.5}}
    assert all(name in told["steps"] for step in told["steps"].values() for name in step["made_from"])
    assert told["answer"]["images"]["scenes"][0]["address"] == "./blue.tif"


def test_machines_may_ask_for_a_few_steps_only(books: Books) -> None:
    assert len(as_json(*ask(books), depth=1)["steps"]) == 4
