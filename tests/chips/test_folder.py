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
        "sep=;\r\n" + TABLE.replace(",", ";"),
        '"sep=\t"\n' + TABLE.replace(",", "\t"),
    ],
    ids=[
        "plain",
        "bom",
        "crlf",
        "semicolons",
        "tabs",
        "spaces",
        "quotes",
        "blank lines",
        "upper case",
        "stated",
        "quoted",
    ],
)
def test_dialects(tmp_path: Path, text: str) -> None:
    table = read_labels(write(tmp_path / "labels.csv", text))
    assert table.to_dict("list") == {
        "filename": ["a.tif", "b.tif"],
        "label": ["1", "0"],
        "category": ["mine", "forest"],
    }


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "utf-8-sig"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    table = read_labels(write(tmp_path / "labels.csv", "filename,label,group\nmineração.tif,1,Ñandú\n", encoding))
    assert table.iloc[0].to_dict() == {"filename": "mineração.tif", "label": "1", "group": "Ñandú"}


def test_text_stays_text(tmp_path: Path) -> None:
    words = ["NA", "None", "nan", "007", "1e3", "null", "TRUE", "2023-01-02", "-"]
    text = "filename,label,group\n" + "".join(f"{word}.tif,1,{word}\n" for word in words)
    table = read_labels(write(tmp_path / "labels.csv", text))
    assert table["group"].tolist() == words
    assert table.index.tolist() == list(range(2, 11))


def test_decimal_commas(tmp_path: Path) -> None:
    text = "sep=;\nfilename;label;longitude;latitude\na.tif;1;-60,5;-3,25\n"
    assert read_labels(write(tmp_path / "labels.csv", text)).iloc[0].tolist() == ["a.tif", "1", "-60,5", "-3,25"]
    table = read_labels(write(tmp_path / "answer.csv", "a.tif;1,0\n"), LabelFormat(header=False))
    assert table.iloc[0].tolist() == ["a.tif", "1,0"]


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
        (b"filename,label\n\x81.tif,1\n", "no text in UTF-8"),
        (b"filename,label,Label\na.tif,1,0\n", "several columns label and Label"),
        (b"PK\x03\x04 a workbook", "is a workbook of a spreadsheet: save its sheet as CSV"),
        (
            b"filename,label,longitude,latitude\na.tif,1,-60,5,-3,2\n",
            r"Line 2 of .*labels\.csv has 6 values where there are 4 columns \(a\.tif,1,-60,5",
        ),
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
