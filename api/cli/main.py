"""All commands together, and what each expected trouble is told as."""

import os
import sys
from typing import NoReturn

import psycopg
import typer
from eventsourcing.persistence import MapperDeserialisationError, PersistenceError
from psycopg_pool import PoolTimeout
from pydantic import ValidationError

from api.access.keys import NoSuchKey, WiderThanRole
from api.cli import (
    access,
    audit,
    erasures,
    holds,
    impact,
    impact_reports,
    keys,
    listing,
    parked,
    projections,
    records,
    register,
    retention,
    running,
    trials,
    upkeep,
)
from api.database import CannotStart
from api.interchange.batch import CannotImport
from domain.errors import Refusal
from domain.taken import VersionTaken
from projections.adverse_impact.policies import NoPolicy
from projections.adverse_impact.report import CannotCompute
from projections.compliance_audit.merkle.encoding import NotProven
from projections.compliance_audit.merkle.stored import Altered
from projections.runtime.rebuild import Paused, Stopped

app = typer.Typer(
    name="hirelog",
    help="The event-sourced system of record for recruiting.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for commands in (running.app, upkeep.app, records.app, access.app):
    app.add_typer(commands)
read_models = typer.Typer(help="Rebuild the read models, try them out, and look after them.")
for commands in (projections.app, listing.app, trials.app, parked.app):
    read_models.add_typer(commands)
app.add_typer(read_models, name="projections")
app.add_typer(keys.app, name="keys")
audit.app.add_typer(register.app)
app.add_typer(audit.app, name="audit")
impact_commands = typer.Typer(help="Adverse impact: selection rates and impact ratios by group.")
for commands in (impact.app, impact_reports.app):
    impact_commands.add_typer(commands)
app.add_typer(impact_commands, name="impact")
app.add_typer(erasures.app, name="erasures")
app.add_typer(holds.app, name="holds")
app.add_typer(retention.app, name="retention")


def main() -> NoReturn:
    """Runs the command line; every expected trouble is one line and exit code 2.

    A rebuild that stops at an event and a proof that does not hold end with 1, a rebuild that is
    paused with 130.
    """
    try:
        code = app(args=sys.argv[1:] or ["--help"], standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
    except typer.TyperException as error:
        _fail(error.format_message() if isinstance(error, typer.BadParameter) else str(error))
    except (
        CannotStart,
        CannotCompute,
        CannotImport,
        NoPolicy,
        NoSuchKey,
        VersionTaken,
        WiderThanRole,
        Refusal,
    ) as error:
        _fail(str(error))
    except (Stopped, Altered, NotProven) as error:
        _fail(str(error), 1)
    except Paused as error:
        _fail(str(error), 130)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = "HIRELOG_" + ".".join(str(part) for part in first["loc"]).upper()
        _fail(f"{where}: {first['msg']}")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        _fail(f"{error.filename or 'the output'} cannot be used: {error.strerror or error}")
    except MapperDeserialisationError as error:
        _fail(f"{error}; it was altered or written by a newer hirelog")
    except psycopg.ProgrammingError as error:
        said = error.diag.message_primary or type(error).__name__
        _fail(f"the database cannot do this: {said}; see that its tables are of this version")
    except (psycopg.Error, PoolTimeout, PersistenceError) as error:
        _fail(f"the database was lost ({type(error).__name__}); nothing acknowledged is; try again")
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, code: int = 2) -> NoReturn:
    print(f"hirelog: {' '.join(message.split())}", file=sys.stderr)  # noqa: T201  # one plain line
    sys.exit(code)
