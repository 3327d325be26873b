"""Follows the feed into a file, as a process that is killed; it imports little, to begin soon."""

import json
import os
import sys
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

KEY = "HIRELOG_TORTURE_KEY"  # in the environment


def last_of(kept: Path) -> int:
    """The position in the last line, 0 where there is none."""
    lines = kept.read_text("utf-8").splitlines()
    return int(lines[-1].split()[0]) if lines else 0


def follow(port: int, kept: Path) -> None:
    """Keeps each event until the server ends or refuses; what is kept is not asked for again."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {
        "Accept": "text/event-stream",
        "Authorization": f"Bearer {os.environ[KEY]}",
        "Last-Event-ID": str(last_of(kept)),
    }
    connection.request("GET", "/v1/feed", headers=headers)
    answer = connection.getresponse()
    if answer.status != 200:
        return
    file = os.open(kept, os.O_WRONLY | os.O_APPEND)
    for line in answer:
        if line.startswith(b"data: "):
            item = json.loads(line[6:])
            stream, version = item["id"].split(":")
            os.write(file, f"{item['data']['position']} {stream} {version}\n".encode())


if __name__ == "__main__":
    with suppress(OSError, HTTPException):  # whoever started it does so again
        follow(int(sys.argv[1]), Path(sys.argv[2]))
