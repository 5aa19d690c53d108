"""A served classifier over HTTP, in a process in which this package can't be imported."""

import json
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import requests
from numpy.typing import NDArray

from mining_the_mines.models.complete import MineClassifier
from mining_the_mines.registry.export import save_served_model
from support.model_server import served
from support.networks import SIZE
from support.served_models import chips_to_ask_about, exported, small_detector


@dataclass(frozen=True)
class Serving:
    """A server and the model that it serves."""

    address: str
    classifier: MineClassifier

    def ask(self, inputs: object, **params: object) -> requests.Response:
        """Send chips as JSON; NaN goes as null, as JSON knows no other way."""
        text = json.dumps({"inputs": inputs, "params": params} if params else {"inputs": inputs})
        headers = {"Content-Type": "application/json"}
        return requests.post(self.address, data=text.replace("NaN", "null"), headers=headers, timeout=60)

    def refusal(self, inputs: object, **params: object) -> str:
        """The sentence that an answer of 4xx holds."""
        answer = self.ask(inputs, **params)
        assert 400 <= answer.status_code < 500, answer.text
        assert "Traceback" not in answer.text
        assert "stack_trace" not in answer.json()
        return str(answer.json()["message"])


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One server for all."""
    folder, classifier = tmp_path_factory.mktemp("serving"), small_detector()
    save_served_model(exported(classifier, folder / "exported"), folder / "served")
    with served(folder / "served", folder) as address:
        yield Serving(address, classifier)


def figures(answer: requests.Response, figure: str = "probability") -> list[float]:
    assert answer.status_code == 200, answer.text
    return [chip[figure] for chip in answer.json()["predictions"]]


def sent(chips: NDArray[np.float32]) -> list[Any]:
    listed: list[Any] = chips.tolist()
    return listed


def test_answers_equal_the_classifiers(serving: Serving) -> None:
    chips = chips_to_ask_about()
    answer = serving.ask(sent(chips))
    wanted = serving.classifier.predict(chips)
    np.testing.assert_allclose(figures(answer), wanted, atol=1e-5)
    assert serving.classifier.novelty is not None
    np.testing.assert_allclose(figures(answer, "novelty"), serving.classifier.novelty.score(chips))
    for chip in answer.json()["predictions"]:
        assert chip["threshold"] == serving.classifier.threshold
        assert chip["mine"] == (chip["probability"] >= serving.classifier.threshold)
        assert any("swapped" in doubt for doubt in chip["doubts"]), "random numbers are no spectra"


def test_refusals(serving: Serving) -> None:
    chips = chips_to_ask_about(2)
    right = f"send chips × 6 bands (B2, B3, B4, B8, B11, B12) × {SIZE} rows × {SIZE} columns."
    assert serving.refusal(sent(chips[:, :, :9])).endswith(right)
    assert "send reflectance" in serving.refusal(sent(chips * 10_000))


def test_chips_without_data_are_refused(serving: Serving) -> None:
    assert "no data" in serving.refusal(sent(np.full((1, 6, SIZE, SIZE), math.nan, np.float32)))


@pytest.mark.parametrize("inputs", [[["no", "numbers"]], [[[[0.1], [0.1, 0.2]]]], {"B2": 1}, None, "chips", []])
def test_no_numbers(inputs: object, serving: Serving) -> None:
    assert serving.refusal(inputs)


def test_bands_named_as_in_files(serving: Serving) -> None:
    chips = chips_to_ask_about()
    names = ["B12", "swir16", "nir", "B04", "green", "B02"]
    answer = serving.ask(sent(chips[:, ::-1]), bands=names)
    np.testing.assert_allclose(figures(answer), serving.classifier.predict(chips), atol=1e-5)


def test_unknown_parameters_are_refused(serving: Serving) -> None:
    chips = sent(chips_to_ask_about(2))
    assert serving.refusal(chips, band=["B2"]) == "There is no parameter band: did you mean bands?"
    assert serving.refusal(chips, bands=3).startswith("The parameter bands is no list of names")


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[]", b'{"inputs": [[[[0.1]]]], "bands": ["B2"]}'])
def test_bodies_that_are_no_requests(body: bytes, serving: Serving) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    answer = requests.post(serving.address, data=body, headers=headers, timeout=60)
    assert answer.status_code == 400, answer.text
    assert answer.json()["message"].startswith(("The body is ", "There is no key bands: "))


def test_requests_at_once(serving: Serving) -> None:
    chips = chips_to_ask_about(20)
    with ThreadPoolExecutor(20) as senders:
        answers = list(senders.map(lambda chip: serving.ask([chip]), sent(chips)))
    found = [figures(answer)[0] for answer in answers]
    np.testing.assert_allclose(found, serving.classifier.predict(chips), atol=1e-5)
