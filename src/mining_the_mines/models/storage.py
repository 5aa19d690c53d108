"""Models in folders, without pickle: safetensors for weights, JSON for the rest. Importing this loads no torch."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.parameter_errors import describe_settings_errors
from mining_the_mines.models.blend import Blend
from mining_the_mines.models.complete import MineClassifier, MineSegmenter
from mining_the_mines.models.kinds import ChipLayout, TrainedModel, Weights, read_kind, state_kind
from mining_the_mines.models.novelty import Novelty
from mining_the_mines.models.predictor import CLASSIFIER_FILE, SEGMENTER_FILE
from mining_the_mines.scoring.calibration import Adaptation, HomeCalibration

WEIGHTS: Final = "weights.safetensors"
MODEL: Final = "model.json"
MODELS: Final = "models.json"
NOVELTY: Final = "novelty.json"


def save_model(model: TrainedModel, folder: Path) -> None:
    """Write a model into an existing folder; equal models give equal bytes."""
    from safetensors.torch import save_file

    tensors = {
        f"{number}.{name}": tensor.detach().clone().contiguous()
        for number, member in enumerate(model.members)
        for name, tensor in member.items()
    }
    save_file(tensors, folder / WEIGHTS)
    description = {
        "kind": state_kind(model.kind),
        "layout": model.layout.model_dump(mode="json"),
        "members": len(model.members),
    }
    _write(folder / MODEL, description)


def load_model(folder: Path) -> TrainedModel:
    """Read a model back, on the CPU.

    Raises:
        BadInputError: The folder holds no model, or one of an earlier version.
    """
    from safetensors.torch import load_file

    description = _read(folder / MODEL)
    members: list[Weights] = [{} for _ in range(description["members"])]
    for name, tensor in load_file(folder / WEIGHTS).items():
        number, _, key = name.partition(".")
        members[int(number)][key] = tensor
    with _described_by(folder / MODEL):
        kind, layout = read_kind(description["kind"]), ChipLayout.model_validate(description["layout"])
    return TrainedModel(kind, layout, tuple(members))


def save_models(models: Mapping[str, TrainedModel], folder: Path) -> None:
    """Write models into an existing folder, each into one of its name."""
    _write(folder / MODELS, list(models))
    for name, model in models.items():
        (folder / name).mkdir()
        save_model(model, folder / name)


def load_models(folder: Path) -> dict[str, TrainedModel]:
    """Read models back by name, in their order.

    Raises:
        BadInputError: The folder holds no models, or those of an earlier version.
    """
    return {name: load_model(folder / name) for name in _read(folder / MODELS)}


def save_complete(model: MineClassifier | MineSegmenter, folder: Path) -> None:
    """Write a complete model into an existing folder."""
    description = {"threshold": model.threshold, "chips": model.chips.model_dump(mode="json")}
    if model.novelty is not None:
        _write(folder / NOVELTY, model.novelty.model_dump(mode="json"))
    if isinstance(model, MineSegmenter):
        save_model(model.network, folder)
        taught = {} if model.teacher is None else {"teacher": model.teacher}
        _write(folder / SEGMENTER_FILE, description | taught)
    else:
        save_models(model.models, folder)
        chosen, blend = {"chosen": model.chosen}, {"blend": model.blend.model_dump(mode="json")}
        fitted = {"home": model.home, "adaptation": model.adaptation}
        stated = {name: each.model_dump(mode="json") for name, each in fitted.items() if each is not None}
        _write(folder / CLASSIFIER_FILE, chosen | description | blend | stated)


def load_complete(folder: Path) -> MineClassifier | MineSegmenter:
    """Read a complete model back, whichever it is.

    Raises:
        BadInputError: The folder holds no complete model, or one of an earlier version.
    """
    return load_segmenter(folder) if (folder / SEGMENTER_FILE).is_file() else load_classifier(folder)


def load_classifier(folder: Path) -> MineClassifier:
    """Read a complete classifier back; errors as for :func:`load_complete`."""
    description = _read(folder / CLASSIFIER_FILE)
    with _described_by(folder / CLASSIFIER_FILE):
        chips, blend = ChipSettings.model_validate(description["chips"]), Blend.model_validate(description["blend"])
        home = HomeCalibration.model_validate(description["home"]) if "home" in description else None
        adapted = Adaptation.model_validate(description["adaptation"]) if "adaptation" in description else None
    return MineClassifier(
        chosen=description["chosen"],
        threshold=description["threshold"],
        chips=chips,
        models=load_models(folder),
        blend=blend,
        home=home,
        novelty=_load_novelty(folder),
        adaptation=adapted,
    )


def load_segmenter(folder: Path) -> MineSegmenter:
    """Read a complete segmenter back; errors as for :func:`load_complete`."""
    description = _read(folder / SEGMENTER_FILE)
    with _described_by(folder / SEGMENTER_FILE):
        chips = ChipSettings.model_validate(description["chips"])
    return MineSegmenter(
        chips, load_model(folder), description["threshold"], _load_novelty(folder), teacher=description.get("teacher")
    )


def _load_novelty(folder: Path) -> Novelty | None:
    """Read the training chips' place in the space of figures, which models of earlier versions lack."""
    if not (folder / NOVELTY).is_file():
        return None
    with _described_by(folder / NOVELTY):
        return Novelty.model_validate(_read(folder / NOVELTY))


def _write(path: Path, content: Any) -> None:  # noqa: ANN401 - JSON
    path.write_text(json.dumps(content, indent=2), encoding="utf-8")


def _read(path: Path) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInputError(
            f"{path.parent} holds no model that this version can read ({path.name} is missing): train again."
        ) from None


@contextmanager
def _described_by(path: Path) -> Iterator[None]:
    """Refuse a description that this version does not understand."""
    try:
        yield
    except (ValueError, KeyError) as error:  # pydantic's errors are ValueErrors
        place = f"The model in {path.parent}"
        fault = (
            describe_settings_errors(error, place)
            if isinstance(error, ValidationError)
            else f"{place} can't be used: {error}."
        )
        raise BadInputError(f"{fault[:-1]}; another version of the code has trained it, so train again.") from error
