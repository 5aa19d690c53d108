"""Label tables are read as people and spreadsheets write them."""

from pathlib import Path

import pytest

from mining_the_mines.chips.labels import LabelFormat, read_labels
from mining_the_mines.core.errors import BadInputError

TABLE = "filename,label,category\na.tif,1,mine\nb.tif,0,forest\n"


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


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
def test_every_dialect_gives_the_same_table(tmp_path: Path, text: str) -> None:
    table = read_labels(write(tmp_path / "labels.csv", text))
    assert table.to_dict("list") == {
        "filename": ["a.tif", "b.tif"],
        "label": ["1", "0"],
        "category": ["mine", "forest"],
    }


def test_a_table_without_header_is_file_name_and_label(tmp_path: Path) -> None:
    path = write(tmp_path / "answer.csv", "train_0.tif,0\ntrain_1.tif,1\n")
    table = read_labels(path, LabelFormat(header=False))
    assert table.to_dict("list") == {"filename": ["train_0.tif", "train_1.tif"], "label": ["0", "1"]}


def test_columns_can_have_other_names(tmp_path: Path) -> None:
    path = write(tmp_path / "labels.csv", "chip;mina;lon;lat;lugar\na.tif;1;-60,5;2;x\n")
    layout = LabelFormat(
        filename_column="chip", label_column="mina", longitude_column="lon", latitude_column="lat", group_column="lugar"
    )
    assert read_labels(path, layout).iloc[0].to_dict() == {
        "filename": "a.tif",
        "label": "1",
        "longitude": "-60,5",
        "latitude": "2",
        "group": "x",
    }


def test_a_table_may_have_no_labels(tmp_path: Path) -> None:
    path = write(tmp_path / "chips.csv", "filename,group\na.tif,3\n")
    assert list(read_labels(path, LabelFormat(label_column=None)).columns) == ["filename", "group"]


def test_what_a_person_wrote_is_kept_until_it_is_judged(tmp_path: Path) -> None:
    path = write(tmp_path / "labels.csv", "filename,label\na.tif,2\nb.tif,\nc.tif\n")
    assert list(read_labels(path)["label"]) == ["2", "", ""]


def test_a_missing_column_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    path = write(tmp_path / "labels.csv", "name,mine\na.tif,1\n")
    with pytest.raises(BadInputError, match=r"labels\.csv has no column 'filename'; its columns are name, mine"):
        read_labels(path)


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff"])
def test_an_empty_table_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInputError, match=r"labels\.csv is empty"):
        read_labels(write(tmp_path / "labels.csv", text))


def test_a_table_of_nothing_but_a_header_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"labels\.csv lists no chip"):
        read_labels(write(tmp_path / "labels.csv", "filename,label\n"))


def test_a_missing_table_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"no label table .*labels\.csv"):
        read_labels(tmp_path / "labels.csv")


def test_a_folder_in_place_of_the_table_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="can't be read"):
        read_labels(tmp_path)


def test_a_table_in_another_encoding_is_an_error_and_not_mojibake(tmp_path: Path) -> None:
    path = write(tmp_path / "labels.csv", "filename,label\nmineração.tif,1\n", "latin-1")
    with pytest.raises(BadInputError, match="no text in UTF-8"):
        read_labels(path)
