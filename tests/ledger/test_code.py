"""What of the code a node stands on."""

from mining_the_mines.ledger.code import CodeHashes

HASHES = CodeHashes()
TRAINING = "mining_the_mines.pipelines.training.nodes"


def test_a_node_stands_on_what_its_module_imports() -> None:
    needed = HASHES._graph.find_upstream_modules(TRAINING)
    assert "mining_the_mines.models.classifier" in needed
    assert "mining_the_mines.reporting.page" not in needed


def test_drawing_previews_makes_no_table_stale() -> None:
    needed = HASHES._graph.find_upstream_modules("mining_the_mines.datasets.files")
    assert not [module for module in needed if module.startswith("mining_the_mines.reporting")]


def test_templates_count_for_the_modules_of_their_folder() -> None:
    files = {file.name for file in HASHES._files("mining_the_mines.reporting.page")}
    assert {"page.py", "report.html.jinja"} <= files


def test_other_code_has_another_hash() -> None:
    assert HASHES.of([TRAINING]) != HASHES.of(["mining_the_mines.pipelines.mapping.nodes"])


def test_code_of_other_packages_is_the_lock_file_s_affair() -> None:
    assert HASHES.of([TRAINING, "numpy"]) == HASHES.of([TRAINING])
