"""Files of a model on its way into the registry.

At the top is the MLflow model that others load
(:mod:`mining_the_mines.registry.served_model`); beside it lie the model as this
package keeps it, its card, its STAC item, and the chips that it was trained on.
"""

import hashlib
from pathlib import Path

from mining_the_mines.models.description import DESCRIPTION, ModelDescription
from mining_the_mines.models.export import export_classifier, export_segmenter
from mining_the_mines.models.mine_classifier import MineClassifier
from mining_the_mines.models.mine_segmenter import MineSegmenter
from mining_the_mines.models.model_files import load_classifier, load_segmenter, save_classifier, save_segmenter
from mining_the_mines.models.model_source import ModelSource
from mining_the_mines.registry.card import CARD
from mining_the_mines.registry.mlm_item import describe_model, write_model_item
from mining_the_mines.registry.model_folder import CODE, save_served_model
from mining_the_mines.registry.package import (
    FACTS,
    MLM_ITEM,
    NATIVE,
    TRAINING_CHIPS,
    ModelPackage,
    PackageFacts,
    StoredPackage,
)
from mining_the_mines.tracking.registry import RegisteredVersion, RegistryError, fetch_version, find_version


def write_package(package: ModelPackage, folder: Path, exported: Path) -> None:
    """Write a model and all that belongs to it.

    Args:
        package: The model.
        folder: An existing folder, which is filled.
        exported: An empty folder for the exported model, which is not needed afterwards.

    Raises:
        BadInputError: The disk is full.
    """
    pixel = package.description.pixel_metres
    native = folder / NATIVE
    if isinstance(package.model, MineClassifier):
        export_classifier(package.model, exported, pixel)
    else:
        export_segmenter(package.model, exported, pixel)
    save_served_model(exported, folder)
    native.mkdir()
    if isinstance(package.model, MineClassifier):
        save_classifier(package.model, native)
    else:
        save_segmenter(package.model, native)
    (folder / DESCRIPTION).write_text(package.description.model_dump_json(indent=2) + "\n", encoding="utf-8")
    (folder / FACTS).write_text(package.facts.model_dump_json(indent=2) + "\n", encoding="utf-8")
    (folder / CARD).write_text(package.card, encoding="utf-8")
    package.training_chips.to_parquet(folder / TRAINING_CHIPS, index=False)
    write_model_item(describe_model(package.description, package.facts, folder), folder / MLM_ITEM)


def read_package(folder: Path) -> StoredPackage:
    """Read what is known of a model.

    Args:
        folder: As :func:`write_package` filled it.

    Raises:
        FileNotFoundError: It holds no such model.
    """
    return StoredPackage(
        folder=folder,
        content_hash=_content_hash(folder),
        description=ModelDescription.model_validate_json((folder / DESCRIPTION).read_text(encoding="utf-8")),
        facts=PackageFacts.model_validate_json((folder / FACTS).read_text(encoding="utf-8")),
        card=(folder / CARD).read_text(encoding="utf-8"),
    )


def fetch_registered(address: str, kept: Path, task: str) -> ModelSource:
    """Fetch a registered model as this package keeps it.

    Args:
        address: ``models:/NAME@ALIAS`` or ``models:/NAME/VERSION``.
        kept: Folder where fetched models are kept.
        task: The question that it is to answer, ``classification`` or ``segmentation``.

    Returns:
        Where it lies, the name and version that it goes by, and the run that registered it.

    Raises:
        RegistryError: There is no such model, it was not written by this package, or it answers another question.
    """
    version = find_version(address)
    package = fetch_package(version, kept)
    if package.description.task != task:
        raise RegistryError(
            f"{address} is a model for {package.description.task}, and one for {task} is wanted: --params=classifier "
            "takes models that judge chips, --params=segmenter those that outline mines."
        )
    return ModelSource(package.folder / NATIVE, f"{version.name} {version.version}", version.run_id)


def fetch_package(version: RegisteredVersion, kept: Path) -> StoredPackage:
    """Fetch all that is registered as a version, and make sure that it is what was registered.

    Args:
        version: Which.
        kept: Folder where fetched models are kept.

    Returns:
        What is known of it, with its folder.

    Raises:
        RegistryError: It can't be fetched, was not written by this package, or has been changed since.
    """
    folder, name = fetch_version(version, kept), f"models:/{version.name}/{version.version}"
    own = (NATIVE, CODE, DESCRIPTION, FACTS, CARD, TRAINING_CHIPS)
    lacking = next((file for file in own if not (folder / file).exists()), "")
    if lacking:
        raise RegistryError(
            f"{name} was registered by something else than this project (it has no {lacking}), so that it can't be "
            "used here: name a version that the pipeline registration has made."
        )
    changed = RegistryError(
        f"The files of {name} are not those that were registered: remove {folder} if it was changed there, and else "
        "do not trust that version."
    )
    try:
        package = read_package(folder)
    except (OSError, ValueError) as error:  # pydantic's errors are ValueErrors
        raise changed from error
    if package.content_hash != version.content_hash:
        raise changed
    return package


def read_model(folder: Path) -> MineClassifier | MineSegmenter:
    """Read the model itself, as this package keeps it.

    Args:
        folder: As :func:`write_package` filled it.

    Raises:
        FileNotFoundError: It holds no such model.
    """
    classifies = read_package(folder).description.task == "classification"
    return load_classifier(folder / NATIVE) if classifies else load_segmenter(folder / NATIVE)


def _content_hash(folder: Path) -> str:
    """SHA-256 of the model, of the code that serves it, and of what it says that it takes and gives."""
    content = hashlib.sha256(bytes.fromhex(ModelSource(folder / NATIVE).content_hash()))
    for name in (CODE, DESCRIPTION):
        content.update(hashlib.sha256((folder / name).read_bytes()).digest())
    return content.hexdigest()
