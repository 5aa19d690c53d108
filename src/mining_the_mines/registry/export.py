"""Export of a complete model as a package: an MLflow model with the project's own files beside it."""

import math
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from mining_the_mines.core.atomic import whole_folder
from mining_the_mines.core.code_hash import PACKAGE, module_files
from mining_the_mines.core.hashing import hash_bytes
from mining_the_mines.models.description import DESCRIPTION, NOVELTY, PROGRAM, ModelDescription, read_description
from mining_the_mines.registry.mlm_item import describe_model, write_model_item
from mining_the_mines.registry.package import (
    CARD,
    CODE,
    FACTS,
    MLM_ITEM,
    NATIVE,
    TRAINING_CHIPS,
    PackageFacts,
    StoredPackage,
)

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import Model, ModelSignature

    from mining_the_mines.models.complete import MineClassifier, MineSegmenter

#: Libraries that a server needs; MLflow would find them out by running the model in another process.
REQUIREMENTS: Final = ("mlflow", "numpy", "torch")
#: Reflectance of the first and the last pixel of the input example; a chip of one grey would be refused.
GREYS: Final = (0.2, 0.3)
#: The same model is the same bytes whenever it is written; the registry knows its time.
NO_TIME: Final = "1980-01-01 00:00:00.000000"


def write_package(
    model: "MineClassifier | MineSegmenter",
    description: ModelDescription,
    facts: PackageFacts,
    card: str,
    training_chips: "pd.DataFrame",
    folder: Path,
) -> StoredPackage:
    """Export a model and write all that belongs to it.

    Args:
        model: The complete model.
        description: Its input and output.
        facts: Further facts about it.
        card: Its model card, Markdown.
        training_chips: From :func:`mining_the_mines.registry.training_data.hash_chips`.
        folder: The folder to write, whole or not at all.

    Returns:
        The package.

    Raises:
        BadInputError: The disk is full.
    """
    from mining_the_mines.models.export import export_model
    from mining_the_mines.models.storage import save_complete

    with tempfile.TemporaryDirectory() as exported, whole_folder(folder) as draft:
        native = draft / NATIVE
        export_model(model, Path(exported), description.pixel_metres)
        save_served_model(Path(exported), draft)
        native.mkdir()
        save_complete(model, native)
        (draft / DESCRIPTION).write_text(description.model_dump_json(indent=2) + "\n", encoding="utf-8")
        (draft / FACTS).write_text(facts.model_dump_json(indent=2) + "\n", encoding="utf-8")
        (draft / CARD).write_text(card, encoding="utf-8")
        training_chips.to_parquet(draft / TRAINING_CHIPS, index=False)
        write_model_item(describe_model(description, facts, draft), draft / MLM_ITEM)
    return StoredPackage(folder, description, facts, card)


def save_served_model(exported: Path, path: Path) -> None:
    """Write an MLflow model folder (a pyfunc model from code) around an exported model.

    Args:
        exported: Folder with ``model.pt2``, ``description.json`` and, of newer models, ``novelty.pt2``.
        path: The folder to write, whole or not at all; what is there already is replaced.

    Raises:
        FileNotFoundError: ``exported`` holds no exported model.
        BadInputError: The disk is full, or the place can't be written to.
    """
    import mlflow
    from mlflow.models import Model

    # Only its files are needed; the import shows the ledger that the package depends on them.
    from mining_the_mines.registry import served_model

    code = Path(served_model.__file__)
    description = read_description(exported)
    files = [code.parents[1] / file for file in module_files(served_model.__name__)]
    artifacts = {"program": exported / PROGRAM, "description": exported / DESCRIPTION}
    if (exported / NOVELTY).is_file():
        artifacts["novelty"] = exported / NOVELTY
    content = hash_bytes(b"".join(path.read_bytes() for path in (*artifacts.values(), *files)))
    shape = (1, len(description.bands), description.chip_size, description.chip_size)
    example = np.linspace(*GREYS, math.prod(shape), dtype=np.float32).reshape(shape)
    model = Model(model_uuid=content[:32], utc_time_created=NO_TIME)
    with tempfile.TemporaryDirectory() as modules, whole_folder(path) as draft:
        package = Path(modules) / PACKAGE
        for file in files:
            target = package / file.relative_to(code.parents[1])
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
        mlflow.pyfunc.save_model(
            draft,
            python_model=code,
            code_paths=[str(package)],
            artifacts={name: str(path) for name, path in artifacts.items()},
            signature=signature_of(description),
            input_example=(example, {"bands": list(description.bands)}),
            pip_requirements=[f"{name}=={version(name).split('+')[0]}" for name in REQUIREMENTS],
            metadata=description.model_dump(mode="json"),
            mlflow_model=model,
        )
        _remove_places(model, draft)


def signature_of(description: ModelDescription) -> "ModelSignature":
    """Return MLflow's signature of the served model.

    Rows, columns and bands are open in the shape, because the model itself refuses a wrong one in a clearer sentence;
    band names and their order are the parameter ``bands``.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
    from mlflow.types.schema import Array

    inputs = Schema([TensorSpec(np.dtype(np.float32), (-1, -1, -1, -1))])
    params = [ParamSpec("bands", DataType.string, list(description.bands), shape=(-1,))]
    outputs: list[ColSpec | TensorSpec]
    figure, doubts = DataType.double, ColSpec(Array(DataType.string), "doubts")
    if description.task == "classification":
        outputs = [ColSpec(figure, "probability"), ColSpec(DataType.boolean, "mine"), ColSpec(figure, "threshold")]
    else:
        params.append(ParamSpec("maps", DataType.boolean, default=True))
        grid = Array(Array(figure))
        outputs = [
            ColSpec(figure, "hectares"), ColSpec(figure, "threshold"), ColSpec(grid, "probability", required=False),
        ]  # fmt: skip
    novelty = ColSpec(figure, "novelty", required=False)
    return ModelSignature(inputs, Schema([*outputs, novelty, doubts]), ParamSchema(params))


def _remove_places(model: "Model", folder: Path) -> None:
    """Remove the places that MLflow copied files from."""
    flavor = model.flavors["python_function"]
    flavor["model_code_path"] = CODE
    for artifact in flavor["artifacts"].values():
        artifact["uri"] = artifact["path"]
    model.save(folder / "MLmodel")
