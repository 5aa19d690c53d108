"""Simulated regions → an encoder, and its version in the registry."""

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.pretraining.nodes import pretrain_encoder, register_encoder
from mining_the_mines.pipelines.registration.pipeline import REGISTRY_TAG


def create_pipeline() -> Pipeline:
    """Pretraining of the encoder."""
    nodes = [
        Node(
            pretrain_encoder,
            ["params:pretraining", "checkpoints", "model_drafts"],
            ["encoder", "learning_curves"],
            name="pretrain_encoder",
        ),
        Node(register_encoder, ["encoder", "run_facts"], "registered", name="register_encoder", tags=REGISTRY_TAG),
    ]
    return Pipeline(
        nodes,
        namespace="pretraining",
        inputs={"model_drafts", "run_facts"},
        parameters={"params:pretraining"},
        tags="pretraining",
    )
