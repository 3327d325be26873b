"""Requests by 200 connections at once: a board, a candidate, an append, and bare constants."""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from statistics import median
from typing import Any

import httpx

from api.access import keys
from api.access.callers import Role
from tests.bench.bench import Bench, environ
from tests.bench.load import press
from tests.bench.result import Result
from tests.bench.writers import Found, Laps, Round, interleaved

CONNECTIONS = 200
SHARE = 4.0  # of the bench's seconds, for each kind of request: a minute
SAMPLE = 200  # candidates, and as many jobs as there are of them
SIZED = 50  # answers, for their median size
RATIOS = {f"{name}_vs_constant": name for name in ("board", "candidate", "append")}
TITLES = {"board": "GET a board", "candidate": "GET a candidate", "append": "POST a note"}

SELECT_JOBS = """
SELECT job_id FROM ats_pipeline.jobs WHERE status = 'open' ORDER BY first_position LIMIT %(limit)s
"""
SELECT_CANDIDATES = """
SELECT candidate_id FROM crm_engagement.candidates ORDER BY candidate_id LIMIT %(limit)s
"""


@dataclass(frozen=True)
class _Target:
    """Requests of one kind to one server."""

    port: int
    requests: Sequence[bytes]


def run(bench: Bench) -> Result:
    """Has ours and the constants take turns, under as many connections."""
    bench.load()
    bench.project()
    failed: dict[str, Counter[str]] = {}
    with _serving(bench) as (url, key):
        requests = _requests(bench, key)
        with httpx.Client(base_url=url, headers={"Accept-Encoding": "identity"}) as client:
            sizes = {name: _size(client, each) for name, each in requests.items()}
        with _bare(sizes.values()) as bare, ProcessPoolExecutor(1, get_context("spawn")) as pool:
            rounds: dict[str, Round] = {}
            for name, each in requests.items():
                constant = [_as_constant(request, sizes[name]) for request in each]
                for title, target in (
                    (name, _Target(_port(url), each)),
                    (f"{name}_constant", _Target(_port(bare), constant)),
                ):
                    failed[title] = Counter()
                    rounds[title] = partial(_round, pool, target, failed[title])
            found = interleaved(rounds, SHARE * bench.seconds)
    return Result(
        title=f"Requests by {CONNECTIONS} connections at once",
        columns=("", "requests/s", "p50 ms", "p99 ms", "errors"),
        rows=[_row(title, found[title], failed[title], sizes) for title in found],
        figures={
            f"{title}_{name.replace('appends', 'requests')}": value
            for title, each in found.items()
            for name, value in each.figures().items()
        }
        | {f"{title}_errors": _errors(each) for title, each in failed.items()}
        | {f"{name}_bytes": size for name, size in sizes.items()},
        ratios={
            ratio: round(found[name].per_second / found[f"{name}_constant"].per_second, 3)
            for ratio, name in RATIOS.items()
        },
    )


@contextmanager
def _serving(bench: Bench) -> Iterator[tuple[str, str]]:
    """The service as users run it, and a key for it."""
    with bench.system.pool.connection() as connection:
        key = keys.create(
            connection, Role.ADMIN, "bench", by="bench", rate_limit="100000000/second"
        )
    command = [sys.executable, "-m", "api.cli", "serve", "--port", "0"]
    with _started(command, environ(bench.data_dir)) as url:
        yield url, key


@contextmanager
def _bare(sizes: Any) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.bench.constant", *map(str, sorted(set(sizes)))]
    with _started(command, None) as url:
        yield url


@contextmanager
def _started(command: Sequence[str], environment: Mapping[str, str] | None) -> Iterator[str]:
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as started:
        try:
            assert started.stdout
            said = re.search(r"http://127\.0\.0\.1:\d+", started.stdout.readline())
            assert said, "the server did not start"
            yield said[0]
        finally:
            started.terminate()


def _requests(bench: Bench, key: str) -> dict[str, list[bytes]]:
    with bench.system.pool.connection() as connection:
        jobs, candidates = (
            [row[0] for row in connection.execute(select, {"limit": SAMPLE}).fetchall()]
            for select in (SELECT_JOBS, SELECT_CANDIDATES)
        )
    note = json.dumps({"type": "noted", "text": "Asked about the team."}).encode()
    return {
        "board": [_request("GET", f"/v1/jobs/{job}/board", key) for job in jobs],
        "candidate": [_request("GET", f"/v1/candidates/{each}", key) for each in candidates],
        "append": [
            _request("POST", f"/v1/candidates/{each}/interactions", key, note)
            for each in candidates
        ],
    }


def _request(method: str, path: str, key: str, body: bytes = b"") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


def _as_constant(request: bytes, size: int) -> bytes:
    """The same request for a constant of this size."""
    method, _, rest = request.split(b" ", 2)
    return b"%s /%d %s" % (method, size, rest)


def _size(client: httpx.Client, requests: Sequence[bytes]) -> int:
    """The median size of the answers."""
    sizes = []
    for request in requests[:SIZED]:
        head, _, body = request.partition(b"\r\n\r\n")
        first, _, *lines = head.decode().split("\r\n")
        method, path, _ = first.split()
        headers = dict(line.split(": ") for line in lines)
        answer = client.request(method, path, headers=headers, content=body)
        answer.raise_for_status()
        sizes.append(len(answer.content))
    return round(median(sizes))


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


def _round(
    pool: ProcessPoolExecutor, target: _Target, failed: Counter[str], seconds: float
) -> tuple[float, Sequence[Laps]]:
    pressed = pool.submit(press, target.port, target.requests, CONNECTIONS, seconds).result()
    failed.update(pressed.statuses)
    return pressed.begin, pressed.laps


def _errors(statuses: Counter[str]) -> int:
    return sum(count for status, count in statuses.items() if not status.startswith("2"))


def _row(title: str, found: Found, statuses: Counter[str], sizes: Mapping[str, int]) -> list[str]:
    name, _, is_constant = title.partition("_")
    figures = found.figures()
    shown = f"a constant of {sizes[name]:,} bytes" if is_constant else TITLES[name]
    return [
        shown,
        f"{figures['appends_per_second']:,.0f}",
        f"{figures['p50_ms']:,.1f}",
        f"{figures['p99_ms']:,.1f}",
        f"{_errors(statuses):,}",
    ]
