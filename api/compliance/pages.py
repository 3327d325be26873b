"""Pages of HTML for readers without access: one file, no script, nothing from elsewhere.

Built from elements, never from text, so that what someone called himself stays a text.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from lxml import etree
from lxml.html import builder as h
from lxml.html import tostring

# What is no character of XML, and what would turn the line around that shows it.
UNFIT = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]"
)

STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1b1f24; background: #fff; max-width: 64rem;
       margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0 0 .3rem; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; margin: 0; }
p { margin: .4rem 0; } .small { color: #57606a; font-size: .87rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .4rem 0; }
dt { color: #57606a; } dd { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #d0d7de;
         vertical-align: top; overflow-wrap: anywhere; white-space: pre-wrap; }
td { min-width: 5.5rem; } thead th { border-bottom: 2px solid #57606a; white-space: nowrap; }
.event { border-left: 3px solid #0072b2; padding: .1rem 0 .1rem 1rem; margin: 1.1rem 0; }
.warn { color: #8a3800; } .number { color: #57606a; font-weight: 400; }
.event, tr { break-inside: avoid; }
@media print { body { margin: 0; max-width: none; font-size: 11px; } }
"""
NOTHING_LOADED = "default-src 'none'; style-src 'unsafe-inline'"

Element = Any  # lxml's own, which its stubs call by a private name


def page(title: str, *content: Element) -> str:
    """A whole page with this title."""
    html = h.HTML(
        h.HEAD(
            h.META(charset="utf-8"),
            h.META({"http-equiv": "Content-Security-Policy", "content": NOTHING_LOADED}),
            h.META(name="viewport", content="width=device-width, initial-scale=1"),
            h.META(name="robots", content="noindex"),
            h.TITLE(fit(title)),
            h.STYLE(STYLE),
        ),
        h.BODY(h.H1(said(title)), *content),
        lang="en",
    )
    return str(tostring(html, doctype="<!doctype html>", encoding="unicode")) + "\n"


def fit(text: object) -> str:
    """The text with a mark for each character that no page can show, or none should."""
    return UNFIT.sub("\N{REPLACEMENT CHARACTER}", str(text))


def said(text: object) -> Element:
    """What somebody wrote, kept from changing the direction of what stands around it."""
    return etree.Element("bdi") if text is None else _with_text("bdi", text)


def paragraph(text: object, kind: str | None = None) -> Element:
    """A paragraph."""
    made = _with_text("p", text)
    if kind:
        made.set("class", kind)
    return made


def heading(text: object) -> Element:
    """The heading of a section."""
    return h.H2(said(text))


def number(number: int) -> Element:
    """The number before an event."""
    made = _with_text("span", f"{number}\N{NO-BREAK SPACE} ")
    made.set("class", "number")
    return made


def facts(pairs: Iterable[tuple[str, object]]) -> Element:
    """Names and values, one below the other; those without a value are left out."""
    parts = [
        part
        for name, value in pairs
        if value not in (None, "")
        for part in (_with_text("dt", name), h.DD(said(value)))
    ]
    return h.DL(*parts)


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Element:
    """A table of texts."""
    return h.TABLE(
        h.THEAD(h.TR(*(_with_text("th", head) for head in heads))),
        h.TBODY(*(h.TR(*(h.TD(said(cell)) for cell in row)) for row in rows)),
    )


def _with_text(tag: str, text: object) -> Element:
    made = etree.Element(tag)
    made.text = fit(text)
    return made
