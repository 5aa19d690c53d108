"""An exported model as a folder that MLflow loads, registers and serves."""

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from mining_the_mines.core.atomic import whole_folder
from mining_the_mines.models.description import DESCRIPTION, PROGRAM, ModelDescription, read_description

if TYPE_CHECKING:
    from mlflow.models import Model, ModelSignature

#: The code that MLflow runs, as it is called in a model's folder; it imports nothing of this package.
CODE: Final = "served_model.py"
#: What a server has to install: named here, for MLflow would find it out by running the model in another process.
REQUIREMENTS: Final = ("mlflow", "numpy", "torch")
#: Reflectance of the grey chip that stands for all others.
GREY: Final = 0.2
#: The same model is the same bytes whenever it is written: its registry tells when it came.
NO_TIME: Final = "1980-01-01 00:00:00.000000"


def save_served_model(exported: Path, path: Path, example: NDArray[np.float32] | None = None) -> None:
    """Write an MLflow model folder (a pyfunc model from code) around an exported model.

    Args:
        exported: Folder with ``model.pt2`` and ``description.json``.
        path: The folder to write, whole or not at all; what is there already is replaced.
        example: A chip ``(C, H, W)`` or chips ``(B, C, H, W)`` as an input example; a plain grey one by default.

    Raises:
        FileNotFoundError: ``exported`` holds no exported model.
        BadInputError: The disk is full, or the place can't be written to.
    """
    import mlflow
    from mlflow.models import Model

    # Imported though only its file is needed, so that whoever looks at imports sees what goes into the folder.
    from mining_the_mines.registry import served_model

    code = Path(served_model.__file__)
    description = read_description(exported)
    content = hashlib.sha256((exported / PROGRAM).read_bytes() + code.read_bytes()).hexdigest()
    model = Model(model_uuid=content[:32], utc_time_created=NO_TIME)
    with whole_folder(path) as draft:
        mlflow.pyfunc.save_model(
            draft,
            python_model=code,
            artifacts={"program": str(exported / PROGRAM), "description": str(exported / DESCRIPTION)},
            signature=signature_of(description),
            input_example=(_chips(example, description), {"bands": list(description.bands)}),
            pip_requirements=[f"{name}=={version(name).split('+')[0]}" for name in REQUIREMENTS],
            metadata=description.model_dump(mode="json"),
            mlflow_model=model,
        )
        _forget_where_it_was_made(model, draft)


def signature_of(description: ModelDescription) -> "ModelSignature":
    """Say in MLflow's words what goes in and what comes out.

    Rows, columns and bands are left open in the shape, for the model itself refuses a wrong one, in a sentence that
    says what it wants; band names and their order are the parameter ``bands``.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
    from mlflow.types.schema import Array

    inputs = Schema([TensorSpec(np.dtype(np.float32), (-1, -1, -1, -1))])
    params = [ParamSpec("bands", DataType.string, list(description.bands), shape=(-1,))]
    outputs: list[ColSpec | TensorSpec]
    figure = DataType.double
    if description.task == "classification":
        outputs = [ColSpec(figure, "probability"), ColSpec(DataType.boolean, "mine"), ColSpec(figure, "threshold")]
    else:
        params.append(ParamSpec("maps", DataType.boolean, default=True))
        grid = Array(Array(figure))
        outputs = [
            ColSpec(figure, "hectares"), ColSpec(figure, "threshold"), ColSpec(grid, "probability", required=False),
        ]  # fmt: skip
    return ModelSignature(inputs, Schema(outputs), ParamSchema(params))


def _chips(example: NDArray[np.float32] | None, description: ModelDescription) -> NDArray[np.float32]:
    size = description.chip_size
    chips = np.full((len(description.bands), size, size), GREY, np.float32) if example is None else example
    return chips if chips.ndim == 4 else chips[None]


def _forget_where_it_was_made(model: "Model", folder: Path) -> None:
    """MLflow writes down where it copied files from; that is of no use elsewhere."""
    flavor = model.flavors["python_function"]
    flavor["model_code_path"] = CODE
    for artifact in flavor["artifacts"].values():
        artifact["uri"] = artifact["path"]
    model.save(folder / "MLmodel")
