"""MLflow's own model registry, in a file."""

import contextlib
import shutil
import sqlite3
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest

from mining_the_mines.tracking.registry import (
    Registration,
    RegistryError,
    SilentRegistryError,
    fetch_version,
    find_champion,
    find_version,
    register,
)
from support.empty_stores import make_store
from support.http_servers import FaultyServer, Reply


@pytest.fixture(autouse=True)
def client(tmp_path: Path) -> Iterator[mlflow.MlflowClient]:
    """A registry of this test's own."""
    mlflow.set_tracking_uri(f"sqlite:///{make_store(tmp_path / 'mlflow.db')}")
    yield mlflow.MlflowClient()
    mlflow.set_tracking_uri(None)  # type: ignore[arg-type] # which unsets it


def registration(folder: Path, content: str, champion: bool = True, before: str = "") -> Registration:
    """A model of one file."""
    folder.mkdir(exist_ok=True, parents=True)
    (folder / "model.txt").write_text(content)
    return Registration(
        name="mine-classifier",
        folder=folder,
        content_hash=content * 16,
        description=f"# Card of {content}",
        tags={"bands": "B2,B3"},
        decision={"decision": "champion" if champion else "challenger"},
        becomes_champion=champion,
        champion_version=before,
    )


def aliases(client: mlflow.MlflowClient) -> dict[str, str]:
    """Versions by alias."""
    return {alias: str(version) for alias, version in client.get_registered_model("mine-classifier").aliases.items()}


def test_card_tags_and_aliases(client: mlflow.MlflowClient, tmp_path: Path) -> None:
    run = client.create_run(client.create_experiment("models", artifact_location=str(tmp_path / "artifacts")))
    version = register(registration(tmp_path / "a", "a"), run.info.run_id)
    kept = client.get_model_version("mine-classifier", version.version)
    assert (kept.description, kept.run_id) == ("# Card of a", run.info.run_id)
    assert kept.tags == {"bands": "B2,B3", "decision": "champion", "content_hash": "a" * 16}
    assert aliases(client) == {"challenger": "1", "champion": "1"}
    source = Path(kept.source or "")
    assert (source / "model.txt").read_text() == "a"
    assert source.is_relative_to(tmp_path / "artifacts" / run.info.run_id)


def test_the_same_model_makes_no_second_version(client: mlflow.MlflowClient, tmp_path: Path) -> None:
    first = register(registration(tmp_path / "a", "a"), None)
    assert register(registration(tmp_path / "again", "a", champion=False, before="1"), None) == first
    assert len(client.search_model_versions("name='mine-classifier'")) == 1
    assert client.get_model_version("mine-classifier", "1").tags["decision"] == "champion"


def test_a_losing_challenger_leaves_the_champion(client: mlflow.MlflowClient, tmp_path: Path) -> None:
    register(registration(tmp_path / "a", "a"), None)
    register(registration(tmp_path / "b", "b", champion=False, before="1"), None)
    assert aliases(client) == {"challenger": "2", "champion": "1"}


def test_a_winning_challenger_becomes_champion(tmp_path: Path) -> None:
    register(registration(tmp_path / "a", "a"), None)
    register(registration(tmp_path / "b", "b", before="1"), None)
    champion = find_champion("mine-classifier")
    assert champion is not None
    assert (champion.version, champion.content_hash) == ("2", "b" * 16)


def test_new_champion_since_the_comparison(
    client: mlflow.MlflowClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for letter, before in (("a", ""), ("b", "1")):
        register(registration(tmp_path / letter, letter, before=before), None)
    register(registration(tmp_path / "c", "c", before="1"), None)
    assert aliases(client)["champion"] == "2"
    assert client.get_model_version("mine-classifier", "3").tags["decision"] == "challenger"
    assert (
        "Version 2 of mine-classifier became champion since the comparison, so version 3 stays the challenger"
        in caplog.text
    )


def test_a_champion_removed_by_hand_is_reported(
    client: mlflow.MlflowClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    register(registration(tmp_path / "a", "a"), None)
    client.delete_registered_model_alias("mine-classifier", "champion")
    register(registration(tmp_path / "b", "b", before="1"), None)
    assert aliases(client) == {"challenger": "2"}
    told = "Version 1 of mine-classifier is no champion any more, and there is no other"
    assert client.get_model_version("mine-classifier", "2").tags["decision.reason"] == f"{told}."
    assert f"{told}, so version 2 stays the challenger" in caplog.text


def test_a_simultaneous_champion_is_noticed(
    client: mlflow.MlflowClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    register(registration(tmp_path / "a", "a"), None)
    with contextlib.closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        database.execute(
            "CREATE TRIGGER other_run AFTER UPDATE ON registered_model_aliases WHEN NEW.alias = 'champion' AND "
            "NEW.version = 2 BEGIN UPDATE registered_model_aliases SET version = 1 WHERE alias = 'champion'; END"
        )
    register(registration(tmp_path / "b", "b", before="1"), None)
    assert aliases(client) == {"challenger": "2", "champion": "1"}
    assert client.get_model_version("mine-classifier", "2").tags["decision"] == "challenger"
    assert (
        "Version 1 of mine-classifier became champion since the comparison, so version 2 stays the challenger"
        in caplog.text
    )


@pytest.mark.parametrize("address", ["models:/mine-classifier@champion", "models:/mine-classifier/1"])
def test_a_version_is_fetched_once_and_whole(tmp_path: Path, address: str) -> None:
    register(registration(tmp_path / "a", "a"), None)
    folder = fetch_version(find_version(address), tmp_path / "fetched")
    assert {path.name for path in folder.iterdir()} == {"model.txt"}
    shutil.rmtree(tmp_path / "a")
    assert fetch_version(find_version(address), tmp_path / "fetched") == folder


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("mine-classifier", r"^mine-classifier is no address of a registered model: write models:/NAME@ALIAS, such as"),
        ("models:/mine-classifier", r"is no address of a registered model"),
        ("models:/mine-clasifier@champion", r"^There is no model mine-clasifier in the registry: it holds mine-class"),
        ("models:/mine-classifier/7", r"^mine-classifier has no version 7 in the registry: its versions are 1; by ali"),
        ("models:/mine-classifier@best", r"no alias best in the registry: its versions are 1; by alias 1 \(challen"),
    ],
)  # fmt: skip
def test_unknown_version(tmp_path: Path, address: str, told: str) -> None:
    register(registration(tmp_path / "a", "a"), None)
    with pytest.raises(RegistryError, match=told):
        find_version(address)


def test_an_empty_registry_says_how_to_fill_it() -> None:
    with pytest.raises(RegistryError, match="it holds none yet, run the pipeline registration first"):
        find_version("models:/mine-classifier@champion")


def test_silent_registry(tmp_path: Path) -> None:
    mlflow.set_tracking_uri("http://somebody:secret@127.0.0.1:9")
    with pytest.raises(SilentRegistryError, match=r"then type kedro run --pipelines=registration") as told:
        register(registration(tmp_path / "a", "a"), None)
    assert "secret" not in str(told.value)


def test_the_health_check_uses_mlflows_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    whose = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *whose]
    subprocess.run([*made, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    server = FaultyServer(lambda _asked: Reply(200, {}, b"{}"))
    secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secure.load_cert_chain(certificate, key)
    server._server.socket = secure.wrap_socket(server._server.socket, server_side=True)
    with server.running():
        mlflow.set_tracking_uri(server.address.replace("http", "https"))
        with pytest.raises(SilentRegistryError, match="SSLError"):
            find_champion("mine-classifier")
        monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", str(certificate))
        assert find_champion("mine-classifier") is None
    assert server.count("/health") == 1


@pytest.mark.parametrize("status", [403, 404])
def test_a_refused_download_is_no_full_disk(client: mlflow.MlflowClient, tmp_path: Path, status: int) -> None:
    register(registration(tmp_path / "a", "a"), None)
    with FaultyServer(lambda _asked: Reply(status, {}, b"")).running() as server:
        client.create_model_version("mine-classifier", f"{server.address}/api/2.0/mlflow-artifacts/artifacts/a")
        with pytest.raises(SilentRegistryError, match=rf"can't be used: .*{status}") as told:
            fetch_version(find_version("models:/mine-classifier/2"), tmp_path / "fetched")
    assert "free some space" not in str(told.value)
    assert not list((tmp_path / "fetched").rglob("*.txt"))


def test_a_model_is_found_in_a_moved_project(client: mlflow.MlflowClient, tmp_path: Path) -> None:
    project = tmp_path / "project"
    run = client.create_run(client.create_experiment("models", artifact_location=str(project / "artifacts")))
    register(registration(tmp_path / "a", "a"), run.info.run_id)
    shutil.copy(tmp_path / "mlflow.db", project)
    moved = project.rename(tmp_path / "moved")
    mlflow.set_tracking_uri(f"sqlite:///{moved}/mlflow.db")
    folder = fetch_version(find_version("models:/mine-classifier@champion"), tmp_path / "fetched")
    assert (folder / "model.txt").read_text() == "a"


def test_missing_files_are_reported(tmp_path: Path) -> None:
    version = register(registration(tmp_path / "a", "a"), None)
    shutil.rmtree(tmp_path / "a")
    with pytest.raises(RegistryError, match=r"^The files of models:/mine-classifier/1 are gone from \S+/a, where the"):
        fetch_version(version, tmp_path / "fetched")
    assert not (tmp_path / "fetched/mine-classifier").exists() or not any(
        (tmp_path / "fetched/mine-classifier").iterdir()
    )
