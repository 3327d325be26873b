"""What the commands share: options, settings and output."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from api import logs
from api.settings import Settings

out = Console(highlight=False, soft_wrap=True)

DataDir = Annotated[
    Path | None,
    typer.Option(help="Where the data lives [default: .hirelog, or HIRELOG_DATA_DIR]."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
NoProject = Annotated[
    bool, typer.Option("--no-project", help="Leave the read models to other processes.")
]


def settings_from(data_dir: Path | None, **options: Any) -> Settings:
    given = {"data_dir": data_dir, **options}
    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    logs.configure(settings.log_level)
    return settings


def print_json(value: Any) -> None:
    print(json.dumps(value, default=str, ensure_ascii=False))  # noqa: T201  # for programs
