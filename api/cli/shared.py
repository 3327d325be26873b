"""What the commands share: options, settings and output."""

import json
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.table import Table

from api import logs
from api.settings import Settings
from domain.given import GivenMoment, Label
from domain.recorded import Metadata
from domain.values import now

out = Console(highlight=False, soft_wrap=True)

DataDir = Annotated[
    Path | None,
    typer.Option(help="Where the data lives [default: .hirelog, or HIRELOG_DATA_DIR]."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
NoProject = Annotated[
    bool, typer.Option("--no-project", help="Leave the read models to other processes.")
]

Actor = Annotated[
    str | None, typer.Option(help="Who does it, for the record [default: operator:LOGIN].")
]

Reason = Annotated[str | None, typer.Option(help="Why, for the record.")]


def settings_from(data_dir: Path | None, **options: Any) -> Settings:
    given = {"data_dir": data_dir, **options}
    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    logs.configure(settings.log_level)
    return settings


def show(table: Table) -> None:
    """Prints a table as wide as it is: nobody can use half a name."""
    wide = out.measure(table, options=out.options.update(max_width=1_000)).maximum
    Console(width=wide, highlight=False, soft_wrap=True).print(table)


def print_json(value: Any) -> None:
    """Prints a line for programs; times as the API writes them, RFC 3339 in UTC."""
    print(json.dumps(value, default=_plain, ensure_ascii=False), flush=True)  # noqa: T201  # see above


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value)


def moment(option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return TypeAdapter(GivenMoment).validate_python(text)
    except ValidationError as error:
        reason = error.errors(include_input=False)[0]["msg"]
        raise typer.BadParameter(
            f"{option} must be a moment such as 2026-05-04T09:00:00Z ({reason})"
        ) from error


def metadata_of(actor: str | None, reason: str | None, *, option: str = "--actor") -> Metadata:
    """What an operator does at the command line; `option` is the one that named the actor."""
    moment = now()
    return Metadata(
        actor=operator(actor, option=option),
        reason=None if reason is None else label("--reason", reason),
        command_id=uuid4(),
        occurred_at=moment,
        recorded_at=moment,
        provenance="cli",
    )


def operator(actor: str | None, *, option: str = "--actor") -> str:
    """Who works at the command line: as `option` names them, else by login. Raises BadParameter."""
    name = label(option, f"operator:{getuser()}" if actor is None else actor)
    if not name.isprintable():
        raise typer.BadParameter(f"{option}: must be one line without control characters")
    return name


def label(option: str, text: str) -> str:
    """The text as a short label. Raises BadParameter, which names the option."""
    try:
        return TypeAdapter[str](Label).validate_python(text)
    except ValidationError as error:
        reason = error.errors(include_input=False)[0]["msg"]
        raise typer.BadParameter(f"{option}: {reason}") from error
