"""The packaged project: its commands in any folder, with the configuration of the wheel where the folder has none."""

import os
from pathlib import Path


def main() -> None:
    """Run a command line, such as ``run --pipelines=mapping`` or ``registry list``."""
    logging = Path(__file__).parent / "conf/logging.yml"
    if logging.is_file() and not Path("conf/logging.yml").is_file():
        os.environ.setdefault("KEDRO_LOGGING_CONFIG", str(logging))  # Kedro reads it when it is imported

    from kedro.framework.cli.registry import registry
    from kedro.framework.project import configure_project

    from mining_the_mines.cli import cli

    configure_project("mining_the_mines")
    cli.add_command(registry)
    cli(prog_name="mining-the-mines")


if __name__ == "__main__":
    main()
