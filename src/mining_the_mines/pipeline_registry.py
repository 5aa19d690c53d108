"""The pipelines by name: the stages, and the whole ways that they make."""

from kedro.pipeline import Pipeline

from mining_the_mines.pipelines import (
    acquisition,
    adaptation,
    area_estimation,
    compositing,
    corrections,
    evaluation,
    evidence,
    feature_extraction,
    inference,
    mapping,
    monitoring,
    preprocessing,
    pretraining,
    registration,
    reporting,
    sampling,
    student,
    training,
)


def register_pipelines() -> dict[str, Pipeline]:
    """Name the pipelines.

    Returns:
        Pipelines by name. A stage holds both tasks. ``__default__`` is all stages. ``classification`` and
        ``segmentation`` lead from prebuilt chips to a report, for data that have labels or polygons only; a stage of
        them is chosen by its tag. ``coarse_mapping`` maps with the classifier, and ``adaptation`` adapts it to a new
        region. ``period_sampling`` samples the maps of monitored periods, and ``evidence`` writes a sheet about each
        site. ``corrections`` makes labels of what reviewers say, and chips, masks and folds with them. ``student``
        teaches one network that maps at a fraction of the segmenter's cost. ``pretraining`` makes the encoder that
        networks start from.
    """
    stages = {
        "acquisition": acquisition.create_pipeline(),
        "compositing": compositing.create_pipeline(),
        "preprocessing": preprocessing.create_pipeline(),
        "feature_extraction": feature_extraction.create_pipeline(),
        "training": training.create_pipeline(),
        "evaluation": evaluation.create_pipeline(),
        "registration": registration.create_pipeline(),
        "inference": inference.create_pipeline(),
        "mapping": mapping.create_pipeline(),
        "sampling": sampling.create_pipeline(),
        "area_estimation": area_estimation.create_pipeline(),
        "monitoring": monitoring.create_pipeline(),
        "reporting": reporting.create_pipeline(),
    }
    whole = sum(stages.values(), start=Pipeline([]))
    chips = whole.only_nodes_with_namespaces(["preprocessing"])
    return {
        "__default__": whole,
        **stages,
        "classification": chips
        + whole.only_nodes_with_namespaces(["classification"])
        + reporting.create_classification_report(),
        "segmentation": chips
        + whole.only_nodes_with_namespaces(["segmentation"])
        + reporting.create_segmentation_report(),
        "coarse_mapping": mapping.create_coarse_pipeline(),
        "corrections": corrections.create_pipeline(),
        "adaptation": adaptation.create_pipeline(),
        "period_sampling": sampling.create_period_pipeline(),
        "evidence": evidence.create_pipeline(),
        "pretraining": pretraining.create_pipeline(),
        "student": student.create_pipeline(),
    }
