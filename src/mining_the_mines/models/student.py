"""A student: one network without views that has learnt the probabilities of an ensemble, its teacher.

Knowledge distillation: G. Hinton, O. Vinyals, J. Dean, *Distilling the knowledge in a neural network*, 2015
(arXiv 1503.02531). The teacher sees each window as the student does, turned, zoomed and in another light, so that its
answer is the right one there, too: L. Beyer et al., *Knowledge distillation: a good teacher is patient and consistent*,
CVPR 2022 (arXiv 2106.05237). Importing this loads no torch.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models.complete import MineSegmenter
from mining_the_mines.models.kinds import TrainedModel
from mining_the_mines.models.networks import SegmenterNetworks, SegmenterSpec, TrainingSettings
from mining_the_mines.models.predictor import TestTimeAugmentation

if TYPE_CHECKING:
    from mining_the_mines.models.segmenter_network import SegmenterNetwork


class StudentSettings(TrainingSettings):
    """How a student learns from its teacher."""

    windows: int = Field(
        480,
        ge=16,
        description="Windows of the composites that the teacher shows, at most. They have the size of its chips, "
        "lie at random places, with labels or without, and touch no test chip.",
    )
    teacher_views: TestTimeAugmentation = Field(
        "none", description="Symmetries that the teacher's probabilities are averaged over while it teaches."
    )
    network: SegmenterSpec | None = Field(
        None,
        description="Network of the student; null for a copy of the teacher's network that is nearest to the mean of "
        "all, which then only has to learn how they differ.",
    )
    tolerated_loss: float = Field(
        0.01,
        ge=0,
        description="IoU on the test chips by which the student may lie below its teacher and still make the maps.",
    )

    @property
    def training(self) -> dict[str, Any]:
        """The settings that any network has."""
        return {name: getattr(self, name) for name in TrainingSettings.model_fields}


def teach(
    teacher: MineSegmenter, ground: PackedChips, settings: StudentSettings, folder: Path
) -> tuple[MineSegmenter, list[dict[str, float]]]:
    """Train a student on the teacher's probabilities for some ground.

    Args:
        teacher: The ensemble; its threshold becomes the student's, which learns the same probabilities.
        ground: Windows of the size of its chips, in the bands of the teacher.
        settings: How the student learns.
        folder: Folder of checkpoints; an interrupted training goes on from it.

    Returns:
        The student, complete, and one row of figures per epoch.

    Raises:
        BadInputError: The teacher is no ensemble of networks.
    """
    import numpy as np
    from lightning import seed_everything
    from torch.utils.data import DistributedSampler

    from mining_the_mines.models.batches import Batch, PackedDataset, training_loader
    from mining_the_mines.models.segmentation import StudentTraining
    from mining_the_mines.models.training import (
        LAST_CHECKPOINT,
        FitPlan,
        first_epoch,
        fit_network,
        quieten_lightning,
        training_threads,
    )

    kind, members, layout = teacher.network.kind, teacher.network.members, teacher.network.layout
    if not isinstance(kind, SegmenterNetworks):
        raise BadInputError(f"{kind.title} can't teach a student: only networks can.")
    own = kind.model_copy(
        update={
            **settings.training,
            "network": settings.network or kind.network,
            "networks": 1,
            "test_time_augmentation": "none",
            "loss": "bce",  # least at the teacher's own probability; Dice would push every probability to 0 or 1
        }
    )
    quieten_lightning()
    with training_threads(settings.threads):
        seen = kind.model_copy(update={"test_time_augmentation": settings.teacher_views}).assemble(members, layout)
        network = _first_network(teacher, own, ground, copied=settings.network is None)
        seed_everything(settings.seed, verbose=False)
        dataset = PackedDataset(ground, ground.filenames, np.zeros(len(ground)))  # the teacher gives the answers
        sampler: DistributedSampler[Batch] = DistributedSampler(dataset, num_replicas=1, rank=0, seed=settings.seed)
        start = first_epoch(folder / LAST_CHECKPOINT)
        batches = training_loader(dataset, sampler, own.batch_size, start, own.loader_workers)
        rows = fit_network(FitPlan(StudentTraining(network, own, settings.seed, seen), batches), folder)
    trained = TrainedModel(own, layout, (dict(network.state_dict()),))
    version = teacher.source.version if teacher.source is not None else "not stored"
    return replace(teacher, network=trained, source=None, teacher=version), rows


def _first_network(
    teacher: MineSegmenter, kind: SegmenterNetworks, ground: PackedChips, *, copied: bool
) -> "SegmenterNetwork":
    """A network that knows the bands as its teacher does: a copy of one of the teacher's, or a fresh one."""
    from mining_the_mines.models.spectral_input import empty_scale

    members, layout = teacher.network.members, teacher.network.layout
    network = kind.new_network(empty_scale(layout.bands), layout.chip_size)
    if copied:
        network.load_state_dict(members[_nearest_to_mean(teacher, kind, ground)])
    else:
        prefix = "spectral_input."
        scale = {name.removeprefix(prefix): tensor for name, tensor in members[0].items() if name.startswith(prefix)}
        network.spectral_input.load_state_dict(scale)
    return network


def _nearest_to_mean(teacher: MineSegmenter, kind: SegmenterNetworks, ground: PackedChips) -> int:
    """Number of the teacher's network whose probabilities differ least from the mean of all."""
    import numpy as np

    from mining_the_mines.models.ensemble import predict_packed

    each = np.stack(
        [
            predict_packed(
                kind.assemble([member], teacher.network.layout), ground, ground.filenames, kind.batch_size
            ).astype(np.float32)
            for member in teacher.network.members
        ]
    )
    distances = [float(np.nanmean(np.abs(one - each.mean(axis=0)))) for one in each]
    return int(np.argmin(distances))
