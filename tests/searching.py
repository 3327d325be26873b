"""Somebody with a mark in every personal value, searched for in tables, files and texts."""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import psycopg
from psycopg import sql

from tests.api.talk import open_job, post

MARKS = {
    "name": "Qzxñame Ûnmistakable",
    "email": "qzxemail.unmistakable@example.org",
    "phone": "+99 7531 8642 9753",
    "location": "Qzxlocation-an-der-Öde",
    "headline": "Qzxheadline of all trades",
    "url": "https://qzxurl.example.org/me",
    "subject": 'Qzxsubject "quoted"',
    "message": "Qzxmessage to one person",
    "reply": "Qzxreply in some words",
    "note": "Qzxnote on a manner",
    "terms": "Qzxterms, 123456 a year",
    "comment": "Qzxcomment about nerves",
    "new-name": "Qzxnewname Ûnmistakable",
    "batch-note": "Qzxbatchnote in a hurry",
}

Wanted = dict[str, list[bytes]]
Found = dict[str, list[str]]


def forms(value: str) -> Iterator[bytes]:
    """The value as it may stand in a file: plain, in JSON, in UTF-16, in base64, in hexadecimal."""
    plain = value.encode()
    yield plain
    yield json.dumps(value)[1:-1].encode()
    yield value.encode("utf-16-le")
    yield plain.hex().encode()
    for skipped in range(3):  # base64 of a longer text that holds it, wherever it begins there
        part = plain[skipped:]
        yield b64encode(part[: len(part) // 3 * 3])


def needles(values: Mapping[str, str]) -> Wanted:
    """Each value in all of its forms."""
    return {name: list(forms(value)) for name, value in values.items()}


def search(where: str, data: bytes, wanted: Wanted, found: Found) -> None:
    """Adds the place to whatever of what is wanted lies in the data."""
    for name, values in wanted.items():
        if any(value in data for value in values):
            found.setdefault(name, []).append(where)


def in_files(folder: Path, wanted: Wanted) -> Found:
    """Every file of the folder and of those within."""
    found: Found = {}
    for path in folder.rglob("*"):
        if path.is_file():
            search(str(path.relative_to(folder)), path.read_bytes(), wanted, found)
    return found


def in_tables(conninfo: str, wanted: Wanted) -> Found:
    """Every column of every table of every schema, as PostgreSQL writes it and as it is stored."""
    found: Found = {}
    tables = (
        "SELECT table_schema, table_name FROM information_schema.tables"
        " WHERE table_type = 'BASE TABLE'"
    )
    with psycopg.connect(conninfo) as connection:
        for schema, table in connection.execute(tables).fetchall():
            for form in ("text",) if schema == "pg_catalog" else ("text", "binary"):
                copy = sql.SQL("COPY {} TO STDOUT (FORMAT {})").format(
                    sql.Identifier(schema, table), sql.SQL(form)
                )
                with connection.cursor().copy(copy) as rows:
                    search(f"{schema}.{table}", b"".join(map(bytes, rows)), wanted, found)
    return found


def secrets(conninfo: str, candidates: list[str]) -> Wanted:
    """The wrapped keys of these, and their names as read models seal them."""
    with psycopg.connect(conninfo) as connection:
        keys = connection.execute(
            "SELECT wrapped_key FROM hirelog.candidate_keys WHERE candidate_id = ANY(%s)",
            (candidates,),
        ).fetchall()
        names = connection.execute(
            "SELECT name FROM crm_engagement.candidates WHERE candidate_id = ANY(%s)",
            (candidates,),
        ).fetchall()
    wrapped = [key for row in keys for key in (bytes(row[0]), bytes(row[0]).hex().encode())]
    sealed = [each for row in names for each in (row[0].encode(), row[0].encode().hex().encode())]
    return {"wrapped": wrapped, "sealed": sealed}


def live(http: httpx.Client, values: Mapping[str, str]) -> str:
    """The life of somebody with a value, by the names of MARKS, in every personal field."""
    of = values.__getitem__
    job = open_job(http, stages=["A", "B"])
    details = {name: of(name) for name in ("name", "email", "phone", "location", "headline", "url")}
    applied = {"type": "applied", "job_id": job, "source": "Site", **details}
    begun = post(http, "/v1/candidates", applied)
    application = {"application_id": begun["events"][0]["data"]["application_id"]}
    path = f"/v1/candidates/{begun['id']}/interactions"
    sent = {"message_id": "m1", "channel": "email", "text": of("message"), **application}
    for body in (
        {"type": "contacted", "subject": of("subject"), **sent},
        {"type": "replied", "text": of("reply")},
        {"type": "noted", "text": of("note")},
        {"type": "offered", "terms": of("terms"), **application},
        {"type": "rejected", "comment": of("comment"), **application},
        {"type": "profile-updated", "name": of("new-name")},
    ):
        post(http, path, body)
    line = {
        "candidate_id": begun["id"],
        "interaction": {"type": "noted", "text": of("batch-note")},
    }
    kind = {"Content-Type": "application/x-ndjson"}
    told = http.post("/v1/interactions:batch", content=json.dumps(line) + "\n", headers=kind)
    assert told.status_code == 200, told.text
    return str(begun["id"])
