"""The code that MLflow runs to serve an exported model.

It is copied into the package with the few modules that it imports, so that a server needs nothing else of this project.
MLflow loads this file as code ("models from code"), not as a pickle. Its artifacts are ``model.pt2``, ``novelty.pt2``
and ``description.json``, as :mod:`mining_the_mines.models.export` writes them. ``torch.export.load`` can run code that
a program brings along, so serve only what you registered (docs/serving.md).

A request may name its bands as files do: ``{"inputs": [...], "params": {"bands": ["B02", "green", ...]}}``. They are
put in the model's order, and surplus bands are left out.
"""

import functools
import json
import math
import sys
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.pyfunc.model import PythonModel
from numpy.typing import NDArray

from mining_the_mines.rasters.judge import Limits, judge_pixels
from mining_the_mines.sentinel2.bands import canonical_band_name

#: MLflow's server, if this process is one.
_SERVER: Final = "mlflow.pyfunc.scoring_server"
#: Keys of a request.
_INPUTS: Final = ("inputs", "instances")
_PARAMS: Final = "params"
#: Chips a forward pass: more take more memory and not less time.
CHIPS_AT_A_TIME: Final = 16


class RefusedChipsError(MlflowException):
    """Chips that the model can't judge; the message is one sentence for the client."""

    def __init__(self, message: str) -> None:
        super().__init__(message, error_code=INVALID_PARAMETER_VALUE)

    @property
    def message(self) -> str:
        """The sentence alone: MLflow's server would put the numbers of the request before it."""
        return str(self)

    @message.setter
    def message(self, _: str) -> None: ...

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class ServedModel(PythonModel):
    """Answers with a probability and a decision for each chip."""

    def load_context(self, context: Any) -> None:  # noqa: ANN401 - MLflow's own type is not public
        """Read program and description."""
        artifacts = {name: Path(path) for name, path in context.artifacts.items()}
        self.description: dict[str, Any] = json.loads(artifacts["description"].read_text(encoding="utf-8"))
        self.program = torch.export.load(artifacts["program"]).module()
        self.novelty = torch.export.load(artifacts["novelty"]).module() if "novelty" in artifacts else None

    # MLflow warns without a type, and derives no signature from a plain ndarray, so that the given one stays.
    def predict(
        self,
        context: Any,  # noqa: ANN401, ARG002 - as MLflow calls it
        model_input: np.ndarray,
        params: dict[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """Judge chips.

        Args:
            context: Not used.
            model_input: ``(B, C, H, W)`` reflectance, NaN without data.
            params: ``bands``: names of the C bands; ``maps``: whether segmenters answer with each pixel's probability.

        Returns:
            An answer for each chip: ``probability``, ``mine`` and ``threshold`` of a classifier; ``hectares``,
            ``threshold`` and, if wanted, ``probability`` by row and column (null without data) of a segmenter;
            ``novelty``, percentile among the training chips, but of models of earlier versions; and ``doubts`` about
            its pixels, sentences.

        Raises:
            RefusedChipsError: The chips are not what the model takes.
        """
        wanted = params or {}
        chips = arrange_bands(model_input, wanted.get("bands", self.description["bands"]), self.description)
        doubts = judge_chips(chips, self.description)
        parts = [torch.from_numpy(chips[at : at + CHIPS_AT_A_TIME]) for at in range(0, len(chips), CHIPS_AT_A_TIME)]
        with torch.inference_mode():
            probabilities = torch.cat([self.program(part) for part in parts]).numpy()
            far = [] if self.novelty is None else [float(one) for part in parts for one in self.novelty(part)]
        if self.description["task"] == "classification":
            answers = [self._classified(float(probability)) for probability in probabilities]
        else:
            answers = [self._segmented(chip, with_map=wanted.get("maps", True)) for chip in probabilities]
        if far:
            answers = [answer | {"novelty": one} for answer, one in zip(answers, far, strict=True)]
        return [answer | {"doubts": list(about)} for answer, about in zip(answers, doubts, strict=True)]

    def _classified(self, probability: float) -> dict[str, Any]:
        threshold = self.description["threshold"]
        return {"probability": probability, "mine": probability >= threshold, "threshold": threshold}

    def _segmented(self, probability: NDArray[np.float32], *, with_map: bool) -> dict[str, Any]:
        threshold = self.description["threshold"]
        pixels = int((probability.astype(np.float64) >= threshold).sum())
        answer = {"hectares": pixels * self.description["pixel_metres"] ** 2 / 10_000, "threshold": threshold}
        if with_map:
            # JSON has no NaN.
            answer["probability"] = [
                [None if math.isnan(pixel) else pixel for pixel in row] for row in probability.tolist()
            ]
        return answer


def arrange_bands(numbers: NDArray[Any], bands: list[str], description: dict[str, Any]) -> NDArray[np.float32]:
    """Put bands in the model's order.

    Args:
        numbers: The input of the request.
        bands: Names of its second axis, as files name them: ``B2``, ``B02``, ``blue``.
        description: Description of the model.

    Returns:
        float32 ``(B, C, H, W)``.

    Raises:
        RefusedChipsError: Another shape is needed, or a band is missing.
    """
    size, wanted = description["chip_size"], list(description["bands"])
    given = [canonical_band_name(str(band)) or str(band) for band in bands]
    expected = f"chips × {len(wanted)} bands ({', '.join(wanted)}) × {size} rows × {size} columns"
    if numbers.dtype == object or numbers.ndim != 4:
        raise RefusedChipsError(f"The input has the shape {_shape(numbers)}: send {expected}.")
    if len(numbers) == 0:
        raise RefusedChipsError(f"The input holds no chip: send {expected}.")
    missing = [band for band in wanted if band not in given]
    if missing:
        raise RefusedChipsError(
            f"The bands {', '.join(given)} lack {', '.join(missing)}: send {', '.join(wanted)}, in any order."
        )
    if len(set(given)) < len(given):
        raise RefusedChipsError(f"A band is named twice among {', '.join(given)}: name each once.")
    if numbers.shape[1] != len(given) or numbers.shape[2:] != (size, size):
        raise RefusedChipsError(
            f"The input has the shape {_shape(numbers)} for {len(given)} bands ({', '.join(given)}): send {expected}."
        )
    return np.ascontiguousarray(numbers[:, [given.index(band) for band in wanted]], dtype=np.float32)


def judge_chips(chips: NDArray[np.float32], description: dict[str, Any]) -> list[tuple[str, ...]]:
    """Judge the pixels of chips as those of files are judged.

    Args:
        chips: As :func:`arrange_bands` gives them.
        description: Description of the model, with the plausible range.

    Returns:
        The doubts about each chip, in sentences.

    Raises:
        RefusedChipsError: A chip can't be judged by the model.
    """
    plausible = description["plausible"]
    limits = Limits(
        plausible["nodata_share"], plausible["lowest"], plausible["highest"], plausible["implausible_share"]
    )
    doubts = []
    for number, chip in enumerate(chips):
        verdict = judge_pixels(chip, description["bands"], limits)
        if verdict.fault is not None:
            raise RefusedChipsError(f"Chip {number} can't be judged: {_for_clients(verdict.fault)}.")
        doubts.append(tuple(_for_clients(doubt) for doubt in verdict.doubts))
    return doubts


def _for_clients(text: str) -> str:
    """The text with a way out that a client has: the pipelines' parameters are none."""
    told, _, way_out = text.removesuffix(".").rpartition("; ")
    if "imagery." in way_out:
        return f"{told}; send reflectance where 1.0 is all light, (number - 1000) / 10000 for digital numbers"
    return text.removesuffix(".")


def _shape(numbers: NDArray[Any]) -> str:
    return " × ".join(map(str, numbers.shape)) or "of a single number"


def read_request(body: Any, known: list[str]) -> dict[str, Any]:  # noqa: ANN401 - whatever a client sends
    """Read the body of a request, and refuse what nothing would read.

    MLflow leaves unknown keys and parameters out: bands named in the wrong place would be taken for the model's own.

    Args:
        body: JSON text, or what was read from it.
        known: Names of the model's parameters.

    Returns:
        The request.

    Raises:
        RefusedChipsError: The body is no JSON object, holds no chips, or has an unknown key or parameter.
    """
    example = '{"inputs": [chip, ...], "params": {"bands": ["B2", ...]}}'
    if isinstance(body, (bytes, str)):
        try:
            body = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise RefusedChipsError(f"The body is no JSON ({error}): send {example}.") from None
    if not isinstance(body, dict):
        raise RefusedChipsError(f"The body is JSON, but no object: send {example}.")
    if len([key for key in _INPUTS if key in body]) != 1:
        raise RefusedChipsError(f"The body has the keys {', '.join(body) or '(none)'}: send {example}.")
    _refuse_unknown(body, [*_INPUTS, _PARAMS], "key")
    params = body.get(_PARAMS) or {}
    if not isinstance(params, dict):
        raise RefusedChipsError(f"params is no object: send {example}.")
    _refuse_unknown(params, known, "parameter")
    bands, maps = params.get("bands", []), params.get("maps", True)
    if not isinstance(bands, list) or not all(isinstance(band, str) for band in bands):
        raise RefusedChipsError(f"The parameter bands is no list of names: send {example}.")
    if not isinstance(maps, bool):
        raise RefusedChipsError("The parameter maps is neither true nor false.")
    return body


def _refuse_unknown(given: dict[str, Any], known: list[str], kind: str) -> None:
    for name in given:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}."
            raise RefusedChipsError(f"There is no {kind} {name}: {hint}")


def _checking(invocations: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(invocations)
    def checked(data: Any, content_type: str | None, model: Any, input_schema: Any) -> Any:  # noqa: ANN401 - MLflow's
        if str(content_type).split(";")[0].strip().lower() == "application/json":
            data = read_request(data, [param.name for param in model.metadata.get_params_schema().params])
        return invocations(data, content_type, model, input_schema)

    return checked


def check_requests() -> None:
    """Let MLflow's server, if this process is one, read requests by :func:`read_request`; it offers no other place."""
    server = sys.modules.get(_SERVER)
    if server is not None and not hasattr(server.invocations, "__wrapped__"):
        server.invocations = _checking(server.invocations)  # type: ignore[attr-defined]


check_requests()
set_model(ServedModel())
