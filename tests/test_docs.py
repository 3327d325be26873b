"""The documentation is right: the read model that it shows works as it stands there."""

import re
from pathlib import Path

from domain.candidate.events import Applied
from projections.runtime import outside
from tests.scenario import applied, log, project

PAGE = Path(__file__).parents[1] / "docs/read-models.md"
FENCED = re.compile(r"`sources/([\w.]+)`.*?```\w+\n(.*?)```", re.DOTALL)


def test_the_read_model_of_the_documentation_can_be_built(tmp_path: Path) -> None:
    files = dict(FENCED.findall(PAGE.read_text("utf-8")))
    assert set(files) == {"schema.sql", "fold.py", "__init__.py"}
    folder = tmp_path / "sources"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    model = outside.find(str(folder))
    assert model.events == (Applied,)
    sources, _ = model.tables
    made = {table.name: rows for table, rows in project(model, log(applied())).items()}
    assert list(made["sources"].values()) == [sources.row("Careers page", 1)]
    assert len(made["origins"]) == 1
