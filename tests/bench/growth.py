"""What an append costs when the log has become long, against when it was short.

The log is filled with events that can be read like any other, by one INSERT of the superuser's. The
sizes cannot take turns; so bare INSERTs into a small table are measured beside each of them, and
the cost is also given as a multiple of theirs, which leaves out most of what the machine did
meanwhile.
"""

import time
from collections.abc import Mapping
from functools import partial
from uuid import UUID

import psycopg

from domain.candidate.events import Sourced
from domain.recorded import Metadata, encode
from domain.store.embedded import SUPERUSER, attach
from domain.values import Origin
from migrations.bootstrap import DATABASE
from tests.bench import bench as benches
from tests.bench.bench import MOST_WRITERS, UNTIL, Bench
from tests.bench.contenders import Inserts, Ours, insert_table, inserts
from tests.bench.result import Figure, Result
from tests.bench.writers import Contender, Found, Round, in_threads, interleaved

SMALLER_BY = 50  # 100,000 events against 5,000,000
EVENTS_A_STREAM = 9
WRITERS = (1, MOST_WRITERS)
SHARE = 0.5  # of the bench's seconds, for each size, contender and number of writers
RATIOS = tuple(
    f"append_cost_5m_vs_100k{writers}{controlled}"
    for writers in ("", f"_writers{MOST_WRITERS}")
    for controlled in ("", "_by_control")
)

# In random streams, as identifiers are, and with command ids of their own.
FILL = """
INSERT INTO hirelog.events (notification_id, originator_id, originator_version, topic, state)
SELECT number,
       md5('growth ' || (number / %(a_stream)s))::uuid,
       1 + number %% %(a_stream)s,
       %(topic)s,
       convert_to(replace(%(state)s, %(command)s, gen_random_uuid()::text), 'UTF8')
  FROM generate_series(
           (SELECT coalesce(max(notification_id), 0) + 1 FROM hirelog.events), %(until)s
       ) AS number
"""
ANY_COMMAND = UUID(int=0)

Key = tuple[str, int]  # contender, writers


def run(bench: Bench) -> Result:
    """Measures at two sizes of a log of its own."""
    sizes = {"100k": max(1, bench.grown // SMALLER_BY), "5m": bench.grown}
    seconds = SHARE * bench.seconds
    with benches.bench(bench.events, bench.seconds, quiet=bench.quiet) as own:
        rows = inserts(own.system)
        filling = {}
        found = {}
        for name, events in sizes.items():
            filling[name] = _fill(own, events)
            found[name] = _appended(own, rows, seconds)
    return Result(
        title="Appends to a log that has grown",
        columns=("", *(f"{events:,} events" for events in sizes.values())),
        rows=[
            [
                f"{contender}, writers: {writers}",
                *(f"{found[name][contender, writers].per_second:,.0f}/s" for name in sizes),
            ]
            for contender, writers in found["5m"]
        ],
        figures=_figures(sizes, filling, found),
        ratios={name: round(value, 3) for name, value in _ratios(found).items()},
    )


def _fill(own: Bench, until: int) -> float:
    """Fills the log up to this position and puts the database in order; returns the seconds."""
    begun = time.monotonic()
    with (
        attach(own.data_dir) as server,
        psycopg.connect(server.conninfo(SUPERUSER, DATABASE), autocommit=True) as connection,
    ):
        given = {
            "a_stream": EVENTS_A_STREAM,
            "topic": Sourced.TOPIC,
            "state": _state().decode(),
            "command": str(ANY_COMMAND),
            "until": until,
        }
        connection.execute(FILL, given)
        connection.execute("VACUUM (ANALYZE) hirelog.events")
        connection.execute("CHECKPOINT")
    return time.monotonic() - begun


def _state() -> bytes:
    event = Sourced(
        origin=Origin.SOURCED,
        source="Conference on distributed systems, Lisbon",
        job_id=UUID(int=1),
        job_title="Backend Engineer",
    )
    metadata = Metadata(
        actor="recruiter:bench",
        command_id=ANY_COMMAND,
        occurred_at=UNTIL,
        recorded_at=UNTIL,
        provenance="import:bench",
    )
    return encode(event, metadata)


def _appended(own: Bench, rows: Inserts, seconds: float) -> Mapping[Key, Found]:
    conninfo = own.system.conninfo
    with psycopg.connect(conninfo, autocommit=True) as connection, insert_table(connection):
        contenders: dict[str, Contender] = {"ours": Ours(own.system.recruiting), "control": rows}
        rounds: dict[Key, Round] = {
            (name, writers): partial(in_threads, contender, writers)
            for writers in WRITERS
            for name, contender in contenders.items()
        }
        return interleaved(rounds, seconds)


def _ratios(found: Mapping[str, Mapping[Key, Found]]) -> dict[str, float]:
    ratios: dict[str, float] = {}
    for writers in WRITERS:
        name = RATIOS[0] if writers == 1 else f"{RATIOS[0]}_writers{writers}"
        raw, control = (
            found["100k"][key].per_second / found["5m"][key].per_second
            for key in (("ours", writers), ("control", writers))
        )
        ratios |= {name: raw, f"{name}_by_control": raw / control}
    return ratios


def _figures(
    sizes: Mapping[str, int],
    filling: Mapping[str, float],
    found: Mapping[str, Mapping[Key, Found]],
) -> dict[str, Figure]:
    figures: dict[str, Figure] = {}
    for size, events in sizes.items():
        figures |= {f"events_{size}": events, f"filling_seconds_{size}": round(filling[size], 1)}
        for (contender, writers), each in found[size].items():
            for name, value in each.figures().items():
                figures[f"{contender}_writers{writers}_{name}_{size}"] = value
    return figures
