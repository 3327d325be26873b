"""Commands on API keys: make one, list them, replace one, end one."""

import sys
from datetime import timedelta
from typing import Annotated

import typer
from limits import parse
from rich.table import Table

from api.access import keys
from api.access.callers import SCOPES_OF, Role, Scope
from api.cli.shared import (
    Actor,
    AsJson,
    DataDir,
    operator,
    out,
    print_json,
    settings_from,
    show,
)
from api.plain import TIME, plain
from api.wiring import open_system
from domain.values import now

app = typer.Typer(help="API keys: who may call, as what.")

MAX_NAME = 100
YEAR = 365

Days = Annotated[
    int, typer.Option("--days", min=0, max=36_500, help="For how many days; 0 for ever.")
]
KeyId = Annotated[
    str, typer.Argument(metavar="KEY_ID", help="Its first part, such as hlk_abcd2345.")
]


@app.command()
def create(
    role: Annotated[Role, typer.Option(help="What the caller does in hiring.")],
    name: Annotated[
        str, typer.Option(help="Who it is; events say ROLE:NAME, so no personal secrets.")
    ],
    scope: Annotated[
        list[Scope] | None, typer.Option(help="Only this, once for each [default: the role's].")
    ] = None,
    days: Days = YEAR,
    rate: Annotated[
        str | None, typer.Option(help="Such as 100/second [default: HIRELOG_RATE_LIMIT].")
    ] = None,
    actor: Actor = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make a key. It is printed this once; only a digest of it is kept."""
    if not name.isascii() or not name.isprintable() or not 0 < len(name.strip()) <= MAX_NAME:
        raise typer.BadParameter(f"--name must be 1 to {MAX_NAME} printable ASCII characters")
    if rate is not None:
        try:
            parse(rate)
        except ValueError as error:
            raise typer.BadParameter("--rate must be a rate such as 100/second") from error
    expires_at = now() + timedelta(days=days) if days else None
    with (
        open_system(settings_from(data_dir), create=True) as system,
        system.pool.connection() as connection,
    ):
        key = keys.create(
            connection,
            role,
            name.strip(),
            by=operator(actor),
            scopes=scope or None,
            expires_at=expires_at,
            rate_limit=rate,
        )
    _say(key, f"{role}:{name.strip()}", scope or sorted(SCOPES_OF[role]), as_json=as_json)


@app.command("list")
def list_keys(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show all keys that ever were, without the keys themselves."""
    with (
        open_system(settings_from(data_dir), create=False) as system,
        system.pool.connection() as connection,
    ):
        known = keys.listed(connection)
    if as_json:
        print_json([{**vars(each), "state": each.state()} for each in known])
        return
    table = Table(box=None)
    for column in "key", "caller", "scopes", "state", "made", "by", "until", "last used", "rate":
        table.add_column(column)
    for each in known:
        times = (each.created_at, each.revoked_at or each.expires_at, each.last_used_at)
        made, until, used = (moment.strftime(TIME) if moment else "-" for moment in times)
        state = each.state() + (f", replaced by {each.replaced_by}" if each.replaced_by else "")
        state += f" by {plain(each.revoked_by)}" if each.revoked_by else ""
        table.add_row(
            each.key_id,
            plain(each.actor),
            " ".join(each.scopes),
            state,
            made,
            plain(each.created_by or "-"),
            until,
            used,
            each.rate_limit or "-",
        )
    show(table)


@app.command()
def revoke(
    key_id: KeyId, actor: Actor = None, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """End a key. Every process refuses it within a second."""
    with (
        open_system(settings_from(data_dir), create=False) as system,
        system.pool.connection() as connection,
    ):
        revoked = keys.revoke(connection, key_id, by=operator(actor))
    if as_json:
        print_json({**vars(revoked), "state": revoked.state()})
    else:
        out.print(f"{revoked.key_id} of {plain(revoked.actor)} is revoked", markup=False)


@app.command()
def rotate(
    key_id: KeyId,
    overlap_hours: Annotated[
        float, typer.Option(min=0, max=8_760, help="How long the old one still works.")
    ] = 24.0,
    days: Days = YEAR,
    actor: Actor = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make another key for the same caller; the old one ends by itself."""
    with (
        open_system(settings_from(data_dir), create=False) as system,
        system.pool.connection() as connection,
    ):
        key = keys.rotate(
            connection,
            key_id,
            by=operator(actor),
            overlap=timedelta(hours=overlap_hours),
            expires_at=now() + timedelta(days=days) if days else None,
        )
        made = next(each for each in keys.listed(connection) if each.key_id == keys.id_of(key))
    _say(key, made.actor, made.scopes, as_json=as_json)


def _say(key: str, actor: str, scopes: list[str] | list[Scope], *, as_json: bool) -> None:
    if as_json:
        print_json({"key": key, "key_id": keys.id_of(key), "actor": actor, "scopes": scopes})
        return
    print(key)  # noqa: T201  # alone on standard output, for scripts
    print(  # noqa: T201  # not to the log
        f"{actor} may {', '.join(scopes)}; keep the key, it is not shown again", file=sys.stderr
    )
