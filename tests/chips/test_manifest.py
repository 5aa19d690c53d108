"""The inventory of chips and labels."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rasterio.transform import from_origin

from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.label_table import read_label
from mining_the_mines.chips.manifest import take_inventory
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.datasets.schemas import MANIFEST
from support.chip_files import BANDS, ground, label_table, labels_for, write_chip, write_folder

SETTINGS = ChipSettings(bands=BANDS)
NAMES = ("a.tif", "b.tif", "c.tif", "d.tif")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Four good chips."""
    return write_folder(tmp_path / "imagens nº 1", NAMES)


def inventory(images: Path, labels: pd.DataFrame | None = None, settings: ChipSettings = SETTINGS) -> pd.DataFrame:
    manifest = take_inventory(ChipFolder(images, labels), settings)
    return MANIFEST.validate(manifest).set_index("filename")


def reasons(manifest: pd.DataFrame) -> dict[str, str]:
    return {str(name): str(reason) for name, reason in manifest["reason"].dropna().items()}


def test_good_chips(images: Path) -> None:
    manifest = inventory(images, labels_for(NAMES))
    assert (manifest["verdict"] == "accepted").all()
    row = manifest.loc["b.tif"]
    assert row["sha256"] == hashlib.sha256((images / "b.tif").read_bytes()).hexdigest()
    assert (row["width"], row["height"], row["bands"], row["dtype"]) == (16, 16, ",".join(BANDS), "uint16")
    assert (row["label"], row["nodata_share"]) == (1, 0)
    assert pd.isna(row["crs"])
    assert pd.isna(row["near_duplicate"])


def test_unreadable_files(images: Path) -> None:
    whole = (images / "a.tif").read_bytes()
    (images / "a.tif").write_bytes(whole[: len(whole) // 2])
    (images / "b.tif").write_text("text", encoding="utf-8")
    (images / "c.tif").unlink()
    (images / "c.tif").mkdir()
    write_chip(images / "d.tif", ground(9, 3), ("B4", "B3", "B2"))
    found = reasons(inventory(images, labels_for(NAMES)))
    assert all(found[name].startswith("unreadable: ") for name in NAMES[:3])
    assert "can't be opened" in found["c.tif"]
    assert found["d.tif"].startswith("missing band: ")


def test_sizes(images: Path) -> None:
    write_chip(images / "a.tif", ground(9, size=20))
    found = reasons(inventory(images, labels_for(NAMES)))
    assert found == {"a.tif": "wrong size: 20 × 20 pixels where 16 × 16 are wanted"}
    given = reasons(inventory(images, labels_for(NAMES), ChipSettings(bands=BANDS, size=20)))
    assert set(given) == {"b.tif", "c.tif", "d.tif"}


def test_useless_pixels(images: Path) -> None:
    write_chip(images / "a.tif", np.zeros((6, 16, 16), np.float32), scaled=False)
    found = reasons(inventory(images, labels_for(NAMES)))
    assert found == {"a.tif": "empty: no data, or zero in every band"}  # one infinite value is no data


@pytest.mark.parametrize(
    ("label", "words"),
    [("2", "line 1 says '2'; a label is 0 or 1"), ("", "line 1 is empty"), ("maybe", "says 'maybe'")],
)
def test_bad_labels(images: Path, label: str, words: str) -> None:
    labels = labels_for(NAMES)
    labels.loc[1, "label"] = label
    found = reasons(inventory(images, labels))
    assert list(found) == ["b.tif"]
    assert found["b.tif"].startswith("bad label: ")
    assert words in found["b.tif"]


def test_missing_files_and_labels(images: Path) -> None:
    found = reasons(inventory(images, labels_for(("", *NAMES[:3], "e.tif"))))
    assert found["e.tif"].startswith("label without file: ")
    assert found["d.tif"].startswith("file without label: ")
    assert found[""].startswith("no file name")


def test_repeated_names(images: Path) -> None:
    rows = [{"filename": name, "label": "1"} for name in (*NAMES, "a.tif")]
    manifest = inventory(images, label_table(rows))
    assert manifest["verdict"][manifest.index == "a.tif"].tolist() == ["accepted", "rejected"]
    assert reasons(manifest)["a.tif"].startswith("duplicate file name: the labels name it 2 times; the first is kept")
    rows[-1]["label"] = "0"
    contradicting = inventory(images, label_table(rows))
    assert contradicting["verdict"][contradicting.index == "a.tif"].tolist() == ["rejected", "rejected"]
    assert "contradict" in reasons(contradicting)["a.tif"]


def test_chips_that_resemble_no_other_beside_a_rejected_one(images: Path) -> None:
    # The chips have different images, so that no cluster is numbered.
    rng = np.random.default_rng(0)
    for name in NAMES[1:]:
        write_chip(images / name, ground(0) * rng.uniform(0.5, 1.5, ground(0).shape[1:]))
    manifest = inventory(images, labels_for(("", *NAMES)))
    assert manifest["near_duplicate"].isna().all()
    assert manifest["verdict"].tolist() == ["rejected", *["accepted"] * 4]


def test_identical_chips(images: Path) -> None:
    shutil.copy(images / "a.tif", images / "c.tif")
    found = reasons(inventory(images, labels_for(NAMES)))
    assert found == {"c.tif": "identical pixels: equal to a.tif, which is kept"}
    shutil.copy(images / "a.tif", images / "b.tif")
    contradicting = reasons(inventory(images, labels_for(NAMES)))
    assert set(contradicting) == {"a.tif", "b.tif", "c.tif"}
    assert all("contradict" in reason for reason in contradicting.values())


def test_near_duplicates_beside_rejected_chips(images: Path) -> None:
    labels = labels_for([*NAMES, "a.tif"]).assign(label="1")
    write_chip(images / "c.tif", ground(3) * 1.1)
    labels.loc[1, "label"] = "?"
    manifest = inventory(images, labels)
    assert manifest["near_duplicate"].isna().tolist() == [True, True, True, False, False]


def test_near_duplicates_are_kept(images: Path) -> None:
    write_chip(images / "c.tif", ground(0) * 1.1)
    manifest = inventory(images, labels_for(NAMES))
    assert (manifest["verdict"] == "accepted").all()
    assert manifest["near_duplicate"]["a.tif"] == manifest["near_duplicate"]["c.tif"]
    assert manifest["near_duplicate"].notna().sum() == 2


def test_chips_without_labels(images: Path) -> None:
    manifest = inventory(images)
    assert (manifest["verdict"] == "accepted").all()
    assert manifest["label"].isna().all()
    grouped = inventory(images, label_table([{"filename": name, "group": "x"} for name in NAMES]))
    assert (grouped["verdict"] == "accepted").all()
    assert (grouped["group"] == "x").all()


def test_coordinates_of_labels_and_files(images: Path) -> None:
    for seed, name in enumerate(NAMES):
        write_chip(images / name, ground(seed), georeferenced=True)
    labels = labels_for(NAMES).assign(longitude=["-57,05", "", "west", "-60"], latitude=["5°24'S", "", "-3", "-5.4"])
    manifest = inventory(images, labels)
    assert (manifest["longitude"]["a.tif"], manifest["latitude"]["a.tif"]) == (-57.05, pytest.approx(-5.4))
    assert manifest.loc["b.tif", "longitude"] == pytest.approx(-57.0, abs=0.01)
    found = reasons(manifest)
    assert found["c.tif"] == "bad coordinates: line 2 has the longitude 'west', which is no number of degrees"
    assert found["d.tif"].startswith(
        "other place: line 3 says longitude -60 and latitude -5.4, but the file's own coord"
    )
    assert manifest.loc["a.tif", "crs"] == "EPSG:32721"
    assert (manifest["left"] < manifest["right"]).all()


def test_swapped_coordinates(images: Path) -> None:
    for seed, name in enumerate(NAMES):
        write_chip(images / name, ground(seed), georeferenced=True)
    labels = labels_for(NAMES).assign(longitude="-5.43", latitude="-57.0")
    with pytest.raises(BadInputError, match=r"Longitude and latitude are swapped in the label table \(4 of 4 chips\)"):
        inventory(images, labels)


def test_chips_across_the_antimeridian(images: Path) -> None:
    place = {"crs": "EPSG:32760", "transform": from_origin(819_300, 8_117_300, 10, 10)}
    write_chip(images / "a.tif", ground(0), georeferenced=True, **place)
    labels = labels_for(NAMES).assign(longitude=["-179.99", "", "", ""], latitude=["-17", "", "", ""])
    manifest = inventory(images, labels)
    assert manifest.loc["a.tif", "longitude"] == -179.99
    assert manifest["reason"].isna().all()
    alone = inventory(images)
    assert alone["longitude"].abs()["a.tif"] == pytest.approx(180, abs=0.01)


@pytest.mark.parametrize(
    ("written", "file"),
    [("A.TIF", "a.tif"), ("a", "a.tif"), ("A", "a.tif"), ("a.png", "a.tif"), ("north\\a.tif", "a.tif"),
     ("x.v1.2", "x.v1.2.tif"), ("mina\u0303o.tif", "minão.tif")],
)  # fmt: skip
def test_names_in_another_form(tmp_path: Path, written: str, file: str, caplog: pytest.LogCaptureFixture) -> None:
    images = write_folder(tmp_path / "images", [file])
    with caplog.at_level("INFO"):
        manifest = inventory(images, label_table([{"filename": written, "label": "1"}]))
    assert manifest.index.tolist() == [file]
    assert manifest["reason"].isna().all()
    assert ("are matched" in caplog.text) == (written != "north\\a.tif")


def test_ambiguous_names(tmp_path: Path) -> None:
    images = write_folder(tmp_path / "images", ["a.tif", "A.TIF", "a.tiff", "b.tif"])
    names = ["a.tif", "A.Tif", "a", "b"]
    found = reasons(inventory(images, label_table([{"filename": name, "label": "1"} for name in names])))
    assert found["a"] == "ambiguous file name: a can be A.TIF or a.tif or a.tiff"
    assert set(found) == {"a", "a.tiff"}


@pytest.mark.parametrize(
    ("word", "label"),
    [("TRUE", 1), ("1.0", 1), ("1,0", 1), ("0.00", 0), ("Sim", 1), ("NÃO", 0), ("ja", 1), ("FALSCH", 0), ("oui", 1),
     ("Sí", 1), ("да", 1), ("mine", 1), ("0.5", None), ("o", None), ("", None)],
)  # fmt: skip
def test_words_for_labels(word: str, label: int | None) -> None:
    assert read_label(word) == label


def test_log(images: Path, caplog: pytest.LogCaptureFixture) -> None:
    (images / "a.tif").write_bytes(b"")
    with caplog.at_level("INFO"):
        inventory(images, labels_for(NAMES[:3]))
    assert "2 of 4 chips" in caplog.text
    assert "1 unreadable (such as a.tif: " in caplog.text
    assert "1 file without label (such as d.tif: the label table does not name it)" in caplog.text


@pytest.mark.real_chips
def test_offset_left_in(real_chips: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    shutil.copy(real_chips / "para_12band" / "para.tif", tmp_path / "para.tif")
    manifest = take_inventory(ChipFolder(tmp_path), ChipSettings())
    assert manifest["doubts"].str.startswith("offset left in").tolist() == [True]
    assert "set imagery.offset to -0.1" in caplog.text
    mended = take_inventory(ChipFolder(tmp_path), ChipSettings(offset=-0.1))
    assert mended["doubts"].isna().tolist() == [True]
