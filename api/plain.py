"""How times and the words of others are shown to people."""

import re

TIME = "%Y-%m-%d %H:%M:%S UTC"
# Whoever wrote a name or a note must not steer the reader's terminal.
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


def plain(text: str) -> str:
    """The text without what would steer a terminal."""
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
