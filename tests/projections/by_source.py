"""A read model in a folder outside the project, of which many candidates touch each row."""

from pathlib import Path

from projections.runtime import outside
from projections.runtime.contract import ReadModel

BY_SOURCE = '''
"""Who applied through which source, in the order of the log."""
from uuid import UUID
from domain.candidate.events import Applied
from projections.runtime.contract import ReadModel, Row, Table

class Source(Row):
    source: str
    applications: int
    candidates: list[UUID]

SOURCES = Table("sources", Source)

def touches(recorded):
    return SOURCES, (recorded.event.source,)

def fold(row, recorded):
    row = row or Source(recorded.event.source, 0, [])
    candidates = [*row.candidates, recorded.originator_id]
    return [Source(row.source, row.applications + 1, candidates)]

MODEL = ReadModel(
    name="{name}", version={version}, package=__name__, tables=(SOURCES,), events=(Applied,),
    touches=touches, fold=fold, by_stream={by_stream},
)
'''
BY_SOURCE_SQL = """
CREATE TABLE sources (
    source text PRIMARY KEY, applications integer NOT NULL, candidates uuid[] NOT NULL
);
"""


def by_source(
    folder: Path, name: str = "by_source", *, version: int = 1, by_stream: bool = False
) -> ReadModel:
    """A read model whose rows are made from the events of many candidates."""
    package = folder / f"{name}_{version}_{folder.name}".replace("-", "_")
    package.mkdir()
    text = BY_SOURCE.format(name=name, version=version, by_stream=by_stream)
    (package / "__init__.py").write_text(text)
    (package / "schema.sql").write_text(BY_SOURCE_SQL)
    return outside.find(str(package))
