"""Folders of chips and tables of labels."""

from pathlib import Path

import pytest

from mining_the_mines.chips.folder import ChipFolder, LabelFormat, read_labels
from mining_the_mines.core.errors import BadInputError

TABLE = "filename,label,category\na.tif,1,mine\nb.tif,0,forest\n"


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def test_geotiffs_in_any_case(tmp_path: Path) -> None:
    for name in ("b.TIF", "a.tif", "c.tiff", "labels.csv", "a.tif.aux.xml", "._a.tif"):
        (tmp_path / name).touch()
    assert ChipFolder(tmp_path).filenames == ("a.tif", "b.TIF", "c.tiff")


def test_empty_and_missing_folders(tmp_path: Path) -> None:
    assert ChipFolder(tmp_path, may_be_empty=True).filenames == ()
    with pytest.raises(BadInputError, match=r"holds no \.tif file"):
        _ = ChipFolder(tmp_path).filenames
    with pytest.raises(BadInputError, match="There is no folder"):
        _ = ChipFolder(tmp_path / "nowhere").filenames


@pytest.mark.parametrize(
    "text",
    [
        TABLE,
        "\ufeff" + TABLE,
        TABLE.replace("\n", "\r\n"),
        TABLE.replace(",", ";"),
        TABLE.replace(",", "\t"),
        TABLE.replace(",", " , "),
        TABLE.replace("a.tif", '"a.tif"'),
        "\n" + TABLE + "\n\n,,\n",
        TABLE.replace("filename,label", "FileName,LABEL"),
    ],
    ids=["plain", "bom", "crlf", "semicolons", "tabs", "spaces", "quotes", "blank lines", "upper case"],
)
def test_dialects(tmp_path: Path, text: str) -> None:
    table = read_labels(write(tmp_path / "labels.csv", text))
    assert table.to_dict("list") == {
        "filename": ["a.tif", "b.tif"],
        "label": ["1", "0"],
        "category": ["mine", "forest"],
    }


def test_table_without_header(tmp_path: Path) -> None:
    table = read_labels(write(tmp_path / "answer.csv", "a.tif,0\nb.tif,1\n"), LabelFormat(header=False))
    assert table.to_dict("list") == {"filename": ["a.tif", "b.tif"], "label": ["0", "1"]}


def test_other_column_names(tmp_path: Path) -> None:
    path = write(tmp_path / "labels.csv", "chip;mina;lon;lat;lugar\na.tif;1;-60,5;2;x\n")
    names = {"filename": "chip", "label": "mina", "longitude": "lon", "latitude": "lat", "group": "lugar"}
    layout = LabelFormat.model_validate({f"{column}_column": name for column, name in names.items()})
    row = {"filename": "a.tif", "label": "1", "longitude": "-60,5", "latitude": "2", "group": "x"}
    assert read_labels(path, layout).iloc[0].to_dict() == row


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name,mine\na.tif,1\n", r"labels\.csv has no column 'filename'; its columns are name, mine"),
        (b"", r"labels\.csv is empty"),
        (b"\n\n", r"labels\.csv is empty"),
        (b"\xef\xbb\xbf", r"labels\.csv is empty"),
        (b"filename,label\n", r"labels\.csv lists no chip"),
        ("filename,label\nmineração.tif,1\n".encode("latin-1"), "no text in UTF-8"),
        (None, r"no label table .*labels\.csv"),
    ],
)
def test_unusable_tables(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "labels.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInputError, match=message):
        read_labels(path)
    with pytest.raises(BadInputError, match="can't be read"):
        read_labels(tmp_path)
