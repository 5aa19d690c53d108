"""Values of --params keep their text where a path or a name is wanted."""

from pathlib import Path
from typing import Any

import click
import pytest
from kedro.framework.cli.project import run
from kedro.framework.project import configure_project

from conftest import PROJECT
from mining_the_mines.cli.parameter_text import parse_parameters


def parse(text: str) -> dict[str, Any]:
    """Type the text after --params=."""
    configure_project("mining_the_mines")
    context = click.Context(run)
    context.params["conf_source"] = str(PROJECT / "conf")
    return parse_parameters(context, next(each for each in run.params if each.name == "params"), text)


@pytest.mark.parametrize(
    "value",
    ["2023", "007", "1e3", "true", "a#b", "a #b", "2023-01-01", "~/scenes", "1_000", "0x10", "12:30:00", "[2023",
     "a,b/c d.tif", "a=b.tif", "C:/scenes/a.tif", "*.tif", "Été & 50% d'or", "nan", "no", "&a", "@b", "100%"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["scene", "chips", "raw_root"])
def test_paths_keep_their_text(name: str, value: str) -> None:
    assert parse(f"{name}={value}") == {name: value}


def test_text_of_settings() -> None:
    parsed = parse("acquisition.regions=2023,acquisition.start=20230601,folds.test_groups=007,reporting.title=1e3")
    assert parsed == {
        "acquisition": {"regions": "2023", "start": "20230601"},
        "folds": {"test_groups": "007"},
        "reporting": {"title": "1e3"},
    }


def test_numbers_stay_numbers() -> None:
    parsed = parse(
        "folds.folds=4, folds.test_share=0.1,mapping.resample=true,segmentation.training.network.overrides=null"
    )
    assert parsed["folds"] == {"folds": 4, "test_share": 0.1}
    assert parsed["mapping"] == {"resample": True}
    assert parsed["segmentation"]["training"]["network"] == {"overrides": None}


def test_quotes_lists_and_null(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse("scene=[2023, b c.tif]") == {"scene": ["2023", "b c.tif"]}
    assert parse("chips='null'") == {"chips": "null"}
    assert parse("concessions=null") == {"concessions": None}
    (tmp_path / "null").mkdir()
    assert parse("chips=null") == {"chips": "null"}


@pytest.mark.parametrize(
    ("text", "said"),
    [("scene", "'scene' is not of the form"), ("=a", "is not of the form"), ("scene=a,scene=b", "scene is given twice"),
     ("folds.folds={", "the value of folds.folds, '{', can't be read")],
)  # fmt: skip
def test_refusals(text: str, said: str) -> None:
    with pytest.raises(click.BadParameter, match=said):
        parse(text)
