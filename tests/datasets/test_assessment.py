"""Samples in the catalog."""

from pathlib import Path

from kedro.io.core import Version

from mining_the_mines.assessment.drawing import draw_sample
from mining_the_mines.assessment.settings import SamplingSettings
from mining_the_mines.assessment.strata import MapToSample
from mining_the_mines.datasets.assessment import EarlierSampleDataset, SampleDataset
from support.made_maps import make_map, probabilities


def test_a_sample_comes_back_with_its_files_beside_it(tmp_path: Path) -> None:
    settings = SamplingSettings(places=20, minimum=5)
    sample = draw_sample([MapToSample(make_map(tmp_path, probabilities()))], settings).places
    path, version = str(tmp_path / "sample"), Version(None, "2024-05-01T00.00.00.000Z")
    assert EarlierSampleDataset(filepath=path, version=version).load() is None

    written = SampleDataset(filepath=path, version=version)
    written.save(sample)

    read = written.load()
    assert read is not None
    assert read.drop(columns="geometry").equals(sample.drop(columns="geometry"))
    assert read.geometry.geom_equals(sample.geometry).all()
    names = {"sample.parquet", "sample.gpkg", "sample.kmz", "collect_earth_online.csv", "acatama.csv"}
    assert {file.name for file in written.load_folder.iterdir()} == names
    assert EarlierSampleDataset(filepath=path, version=Version(None, None)).load() is not None
