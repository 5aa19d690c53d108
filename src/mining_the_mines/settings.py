"""Settings of the Kedro project."""

import warnings
from pathlib import Path
from typing import Any

from kedro.config import OmegaConfigLoader
from omegaconf.resolvers import oc

from mining_the_mines.hooks.absent_data import AbsentData
from mining_the_mines.hooks.first_weights import FirstWeights
from mining_the_mines.hooks.given_parameters import GivenParameters
from mining_the_mines.hooks.recording import RunRecording
from mining_the_mines.hooks.registered_models import ModelFetching
from mining_the_mines.hooks.runners import RunnerCheck
from mining_the_mines.hooks.tracking import RunTracking

# Kedro registers its own resolvers by a name that OmegaConf has since renamed (hydra-ecosystem/omegaconf#426).
warnings.filterwarnings("ignore", message=r"register_new_resolver\(\) is deprecated")

# The node that compares both tasks belongs to neither of them, so it names datasets of both namespaces.
warnings.filterwarnings("ignore", message=r"One or more dataset names contain '\.'")

#: Where kedro-mlflow is installed, its hook would read mlflow.yml as its own; hooks/tracking.py tells why it is off.
DISABLE_HOOKS_FOR_PLUGINS = ("kedro_mlflow",)
# The last is called first: a run that can't be made is refused before the MLflow run is started.
HOOKS = (
    GivenParameters(),
    RunRecording(),
    RunTracking(),
    ModelFetching(),
    FirstWeights(),
    AbsentData(),
    RunnerCheck(),
)

#: Only the wheel holds a configuration; it is used where the folder has none.
_PACKAGED = Path(__file__).parent / "conf"
CONF_SOURCE = str(_PACKAGED) if _PACKAGED.is_dir() and not Path("conf").is_dir() else "conf"

CONFIG_LOADER_CLASS = OmegaConfigLoader
CONFIG_LOADER_ARGS: dict[str, Any] = {
    "base_env": "base",
    "default_run_env": "local",
    "merge_strategy": {"parameters": "soft"},  # an environment says only what differs from base
    "config_patterns": {"mlflow": ["mlflow*"]},
    "custom_resolvers": {"oc.env": oc.env},  # mlflow.yml asks for the tracking server's address
}
