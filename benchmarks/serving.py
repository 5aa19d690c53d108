"""Serving a classifier: time of an answer over HTTP against a call of the classifier itself, and of many at once.

Boosted trees on all default features of chips of 12 bands and 64 × 64 pixels. ``mlflow models serve`` answers one
request after another, then all at once; the rival is ``MineClassifier.predict`` in this process, chip by chip.
What the ratios hold besides the model is JSON: a chip is about 1 MB of text.

    python benchmarks/serving.py [--classifier FOLDER] [--requests 100]

FOLDER is a version below ``data/simulated/06_models/classifier``, by default the newest.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import numpy as np
import requests

from mining_the_mines.models.export import export_model
from mining_the_mines.models.storage import load_classifier
from mining_the_mines.registry.export import save_served_model

PATIENCE_SECONDS = 180


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    versions = sorted(Path("data/simulated/06_models/classifier").glob("*/classifier"))
    parser.add_argument("--classifier", type=Path, default=versions[-1] if versions else None)
    parser.add_argument("--requests", type=int, default=100)
    arguments = parser.parse_args()
    if arguments.classifier is None:
        parser.error(
            "there is no classifier in data/simulated/06_models/classifier: type `make demo`, or name one with "
            "--classifier"
        )
    classifier = load_classifier(arguments.classifier)
    shape = (arguments.requests, len(classifier.chips.bands), classifier.window, classifier.window)
    chips = np.random.default_rng(0).uniform(0.2, 0.25, shape).astype(np.float32)

    alone, wanted = [], []
    for chip in chips:
        start = time.perf_counter()
        wanted.append(float(classifier.predict(chip[None])[0]))
        alone.append(time.perf_counter() - start)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "exported").mkdir()
        start = time.perf_counter()
        export_model(classifier, folder / "exported")
        save_served_model(folder / "exported", folder / "served")
        print(f"exporting and writing the folder: {time.perf_counter() - start:.1f} s")
        _ask(folder, [json.dumps({"inputs": [chip.tolist()]}) for chip in chips], wanted, median(alone))


def _ask(folder: Path, bodies: list[str], wanted: list[float], alone: float) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    command = ["mlflow", "models", "serve", "-m", "served", "-h", "127.0.0.1", "-p", str(port), "--env-manager=local"]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        print(f"until the server answers: {_wait(f'http://127.0.0.1:{port}/ping'):.1f} s")
        address = f"http://127.0.0.1:{port}/invocations"
        _post(address, bodies[0])
        taken = [_post(address, body) for body in bodies]
        seconds = median(second for second, _ in taken)
        start = time.perf_counter()
        with ThreadPoolExecutor(len(bodies)) as senders:
            at_once = list(senders.map(lambda body: _post(address, body), bodies))
        together = (time.perf_counter() - start) / len(bodies)
    finally:
        os.killpg(server.pid, 15)
        server.wait()
    farthest = max(abs(found - right) for (_, found), right in zip(taken + at_once, wanted * 2, strict=True))
    print(f"the classifier itself, chip by chip: {1000 * alone:.0f} ms a chip")
    print(f"served, one after another: {1000 * seconds:.0f} ms a chip, {seconds / alone:.2f} × the classifier itself")
    print(f"served, {len(bodies)} at once: {1000 * together:.0f} ms a chip, {together / alone:.2f} ×")
    print(f"farthest answer: {farthest:.1e}")


def _post(address: str, body: str) -> tuple[float, float]:
    """Seconds, and the probability of the answer."""
    start = time.perf_counter()
    answer = requests.post(address, data=body, headers={"Content-Type": "application/json"}, timeout=PATIENCE_SECONDS)
    answer.raise_for_status()
    return time.perf_counter() - start, float(answer.json()["predictions"][0]["probability"])


def _wait(address: str) -> float:
    start = time.perf_counter()
    while time.perf_counter() - start < PATIENCE_SECONDS:
        try:
            if requests.get(address, timeout=5).ok:
                return time.perf_counter() - start
        except requests.ConnectionError:
            time.sleep(0.1)
    raise TimeoutError(f"{address} does not answer.")


if __name__ == "__main__":
    main()
