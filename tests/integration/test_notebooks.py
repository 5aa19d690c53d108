"""Notebooks, on what a run leaves behind."""

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from support.projects import PROJECT

NOTEBOOKS = sorted(path.name for path in (PROJECT / "notebooks").glob("*.ipynb"))


def opened(path: Path) -> nbformat.NotebookNode:
    """A notebook as it lies on disk."""
    notebook: nbformat.NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


@pytest.fixture(scope="module")
def folder(default_project: Path) -> Path:
    """The notebooks, in a project that has run."""
    return Path(shutil.copytree(PROJECT / "notebooks", default_project / "notebooks"))


def test_there_are_three_of_them() -> None:
    assert NOTEBOOKS == ["01_explore_chips.ipynb", "02_read_the_scores.ipynb", "03_map_a_region.ipynb"]


@pytest.mark.end_to_end
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_from_top_to_bottom_and_shows_pictures(folder: Path, name: str) -> None:
    notebook = opened(folder / name)
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}})
    client.execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    shown = {kind for output in outputs for kind in output.get("data", {})}
    assert shown & {"image/png", "image/jpeg"}
    assert {path.name for path in folder.iterdir()} == set(NOTEBOOKS)  # nothing is written beside them


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_committed_without_outputs(name: str) -> None:
    notebook = opened(PROJECT / "notebooks" / name)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_short_and_reads_the_catalog(name: str) -> None:
    notebook = opened(PROJECT / "notebooks" / name)
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert any("%load_ext kedro.ipython" in source for source in code)
    assert any("catalog" in source for source in code)
    assert len("\n".join(code).splitlines()) < 80
    words = " ".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown").split()
    assert len(words) > 100
