"""What MLflow runs to serve an exported model; it is copied into the model's folder and needs nothing else of ours.

MLflow loads this file as code ("models from code"), not as a pickle. Beside it lie ``model.pt2`` and
``description.json``, as :mod:`mining_the_mines.models.export` writes them.

A request names its bands if it likes: ``{"inputs": [...], "params": {"bands": ["B2", "B3", ...]}}``. Bands in another
order are put in order, and bands too many are left out.
"""

import json
import math
import re
import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.pyfunc.model import PythonModel
from numpy.typing import NDArray

#: Chips that the program is shown at a time: more take more memory and not less time.
CHIPS_AT_A_TIME: Final = 16

#: All that our exports consist of.
_RECORDS: Final = re.compile(
    r"\.data/(serialization_id|version)|archive_format|archive_version|byteorder|models/model\.json|extra/[\w.]+"
    r"|data/(constants/(model_constants_config\.json|tensor_\d+)|sample_inputs/model\.pt"
    r"|weights/(model_weights_config\.json|weight_\d+))",
    re.ASCII,
)
#: Lists of tensors, and what the record of one is called.
_PAYLOADS: Final = {
    "data/constants/model_constants_config.json": re.compile(r"tensor_\d+", re.ASCII),
    "data/weights/model_weights_config.json": re.compile(r"weight_\d+", re.ASCII),
}
_SIZE: Final = r"Symbol\('s\d+'(, (positive|integer)=True)*\)|Integer\(-?\d+\)|-?\d++|[(), ]|Add|Mul|Pow|s\d++"
#: Words of a graph that torch looks up or evaluates: what nodes call, and sizes.
_WORDS: Final = {
    "target": re.compile(
        r"torch\.ops\.aten\.\w+\.\w+|_operator\.(getitem|add|sub|mul|floordiv|mod|neg|eq|ne|lt|le|gt|ge)", re.ASCII
    ),
    "expr_str": re.compile(rf"({_SIZE})++", re.ASCII),
}
#: Lists in a program that would be run as code or looked up by name, and that are empty in ours.
_NEVER: Final = frozenset({"guards_code", "treespec_namedtuple_fields", "as_operator", "as_custom_obj", "as_graph"})
#: Inputs and outputs as trees, and what these may be made of.
_TREES: Final = frozenset({"in_spec", "out_spec"})
_CONTAINERS: Final = frozenset({"None", "builtins.tuple", "builtins.list", "builtins.dict"})


class RefusedChipsError(MlflowException):
    """Chips that the model can't judge; the message is one sentence for whoever sent them."""

    def __init__(self, message: str) -> None:
        super().__init__(message, error_code=INVALID_PARAMETER_VALUE)

    @property
    def message(self) -> str:
        """The sentence alone: MLflow's server would put the numbers that it was sent before it."""
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
        refuse_code(artifacts["program"])
        self.program = torch.export.load(artifacts["program"]).module()

    # MLflow knows no signature by a plain ndarray, and takes the one that it is given; without a type it warns.
    def predict(
        self,
        context: Any,  # noqa: ANN401, ARG002 - as MLflow calls it
        model_input: np.ndarray,
        params: dict[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """Judge chips.

        Args:
            context: Not needed.
            model_input: ``(B, C, H, W)`` reflectance, NaN without data.
            params: ``bands``: names of the C bands; ``maps``: whether segmenters answer with each pixel's probability.

        Returns:
            One answer a chip: ``probability``, ``mine`` and ``threshold`` of a classifier; ``hectares``, ``threshold``
            and, if wanted, ``probability`` by row and column (null without data) of a segmenter.

        Raises:
            RefusedChipsError: The chips are not what the model takes.
        """
        wanted = params or {}
        chips = arranged(model_input, wanted.get("bands", self.description["bands"]), self.description)
        check_reflectance(chips, self.description)
        parts = [torch.from_numpy(chips[at : at + CHIPS_AT_A_TIME]) for at in range(0, len(chips), CHIPS_AT_A_TIME)]
        with torch.inference_mode():
            probabilities = torch.cat([self.program(part) for part in parts]).numpy()
        if self.description["task"] == "classification":
            return [self._judged(float(probability)) for probability in probabilities]
        return [self._outlined(probability, with_map=wanted.get("maps", True)) for probability in probabilities]

    def _judged(self, probability: float) -> dict[str, Any]:
        threshold = self.description["threshold"]
        return {"probability": probability, "mine": probability >= threshold, "threshold": threshold}

    # JSON knows no NaN.
    def _outlined(self, probability: NDArray[np.float32], *, with_map: bool) -> dict[str, Any]:
        threshold = self.description["threshold"]
        pixels = int((probability.astype(np.float64) >= threshold).sum())
        answer = {"hectares": pixels * self.description["pixel_metres"] ** 2 / 10_000, "threshold": threshold}
        if with_map:
            # NaN is no JSON.
            answer["probability"] = [
                [None if math.isnan(pixel) else pixel for pixel in row] for row in probability.tolist()
            ]
        return answer


def refuse_code(program: Path) -> None:
    """Make sure that reading and running a program does arithmetic and nothing else.

    ``torch.export.load`` unpickles records by their names and by what other records say of them, falls back to an
    older format of pickles, loads compiled libraries, evaluates what stands for sizes, and calls whatever a node names
    (torch 2.15, ``torch/export/pt2_archive/_package.py`` and ``torch/_export/serde/serialize.py``). So a file may hold
    what our exports hold, and not a record, an operator or a name more.

    Raises:
        RefusedChipsError: The file is no program, or holds something else.
    """
    reason = _foreign(program)
    if reason:
        raise RefusedChipsError(f"{program} is not read, for {reason}, which could run any code: export it anew.")


def _foreign(program: Path) -> str:
    """What a file holds that our exports don't; empty if there is nothing of that kind."""
    try:
        with zipfile.ZipFile(program) as archive:
            names = archive.namelist()
        return _foreign_names(names) or _foreign_contents(program, names)
    except (zipfile.BadZipFile, OSError, RuntimeError, LookupError, TypeError, ValueError, AttributeError) as error:
        return f"it is no program of torch.export ({type(error).__name__})"


def _foreign_names(names: list[str]) -> str:
    root = names[0].partition("/")[0]
    if len(set(names)) < len(names):
        return "a record is there twice"
    if not all(name.startswith(f"{root}/") for name in names):
        return "its records do not lie in one folder"
    strange = next((name for name in names if not _RECORDS.fullmatch(name, len(root) + 1)), None)
    return "" if strange is None else f"it holds the record {strange}"


def _foreign_contents(program: Path, names: list[str]) -> str:
    reader = torch._C.PyTorchFileReader(str(program))  # noqa: SLF001 - what torch.export.load reads with
    # Two readers that see different files in one archive would make a check of either worthless.
    if sorted(name.partition("/")[2] for name in names) != sorted(reader.get_all_records()):
        return "it is one archive to Python and another to torch"
    if reader.get_record("archive_format") != b"pt2" or reader.get_record("data/sample_inputs/model.pt"):
        return "it is of another format or holds pickled examples"
    for folder, payload in _PAYLOADS.items():
        for entry in json.loads(reader.get_record(folder).decode())["config"].values():
            if entry["use_pickle"] is not False or not payload.fullmatch(entry["path_name"]):
                return f"{folder} names a pickle, {entry['path_name']}"
    return _foreign_words(json.loads(reader.get_record("models/model.json").decode()))


def _foreign_words(said: Any, key: str = "") -> str:  # noqa: ANN401 - JSON
    """The first word of a program's graph that is more than arithmetic."""
    if key in _NEVER:
        return f"its {key} is not empty" if said else ""
    if isinstance(said, dict):
        return next(filter(None, (_foreign_words(value, name) for name, value in said.items())), "")
    if isinstance(said, list):
        return next(filter(None, (_foreign_words(value, key) for value in said)), "")
    if key in _TREES and said:
        kinds = _kinds(json.loads(said))
        return "" if kinds <= _CONTAINERS else f"its inputs or outputs are {', '.join(sorted(kinds - _CONTAINERS))}"
    if key in _WORDS and not (isinstance(said, str) and _WORDS[key].fullmatch(said)):
        return f"its {key} is {said!r}"
    return ""


def _kinds(tree: Any) -> set[str]:  # noqa: ANN401 - JSON
    """All types that a tree of inputs or outputs is made of."""
    if isinstance(tree, list):
        return set().union(*map(_kinds, tree))
    if not isinstance(tree, dict):
        return set()
    return {str(tree.get("type"))} | _kinds(tree.get("children_spec"))


def arranged(numbers: NDArray[Any], bands: list[str], description: dict[str, Any]) -> NDArray[np.float32]:
    """Put bands in the model's order.

    Args:
        numbers: What was sent.
        bands: What was said of its second axis.
        description: What the model takes.

    Returns:
        float32 ``(B, C, H, W)``.

    Raises:
        RefusedChipsError: Another shape is needed, or a band is missing.
    """
    size, wanted, given = description["chip_size"], list(description["bands"]), [str(band) for band in bands]
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


def check_reflectance(chips: NDArray[np.float32], description: dict[str, Any]) -> None:
    """Make sure that chips hold data, and that it is reflectance.

    Args:
        chips: As :func:`arranged` gives them.
        description: What is plausible.

    Raises:
        RefusedChipsError: A chip or a band of it is empty, or its numbers can't be reflectance.
    """
    plausible = description["plausible"]
    missing = np.isnan(chips)
    shares = missing.mean(axis=(1, 2, 3))
    if (shares > plausible["nodata_share"]).any():
        chip = int(shares.argmax())
        raise RefusedChipsError(
            f"{shares[chip]:.0%} of the numbers of chip {chip} are NaN (no data), and the model judges chips with at "
            f"most {plausible['nodata_share']:.0%}: leave the chip out."
        )
    blank = np.argwhere(missing.all(axis=(2, 3)))
    if len(blank):
        chip, band = map(int, blank[0])
        raise RefusedChipsError(
            f"Chip {chip} holds no data in the band {description['bands'][band]}: leave the chip out, or send the band."
        )
    lowest, highest = plausible["lowest"], plausible["highest"]
    strange = ((chips < lowest) | (chips > highest)).mean(axis=(1, 2, 3))
    if (strange > plausible["implausible_share"]).any() or np.isinf(chips).any():
        chip = int(strange.argmax())
        raise RefusedChipsError(
            f"{strange[chip]:.0%} of the numbers of chip {chip} lie outside {lowest:g} to {highest:g} (the largest is "
            f"{np.nanmax(chips[chip]):g}): send reflectance where 1.0 is all light, (number - 1000) / 10000 for "
            f"digital numbers."
        )


def _shape(numbers: NDArray[Any]) -> str:
    return " × ".join(map(str, numbers.shape)) or "of a single number"


set_model(ServedModel())
