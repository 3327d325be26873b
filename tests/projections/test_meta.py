"""Every read model has the same shape, and a test."""

import ast
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from projections import READ_MODELS
from projections.runtime.contract import ReadModel, Table

LOADED = (
    "import sys, projections.runtime.worker; print(*sorted({*sys.modules} & {'pydantic', 'api'}))"
)
FILES = {"__init__.py", "schema.sql", "fold.py", "queries.py"}

every_model = pytest.mark.parametrize("model", READ_MODELS, ids=lambda model: model.name)


def folder(model: ReadModel) -> Path:
    return Path(str(files(model.package)))


def test_no_two_read_models_share_a_name() -> None:
    names = [model.name for model in READ_MODELS]
    assert len(set(names)) == len(names)


def test_every_folder_of_the_read_side_is_in_the_table_of_contents_or_known_to_hold_no_model() -> (
    None
):
    folders = {path.parent.name for path in folder(READ_MODELS[0]).parent.glob("*/__init__.py")}
    assert folders == {model.name for model in READ_MODELS} | {"runtime", "adverse_impact"}


def test_a_worker_comes_up_without_what_callers_are_checked_by() -> None:
    told = subprocess.run(
        [sys.executable, "-c", LOADED], check=True, capture_output=True, text=True
    )
    assert told.stdout.split() == []


@every_model
def test_it_has_a_test_that_folds_it(model: ReadModel) -> None:
    test = Path(__file__).parent / f"test_{model.name}.py"
    assert test.exists()
    assert model.name.upper() in test.read_text("utf-8")


@every_model
def test_its_folder_has_its_four_files_and_helpers_that_they_import(model: ReadModel) -> None:
    present = {path.name for path in folder(model).iterdir() if path.name != "__pycache__"}
    assert present >= FILES
    imported = modules_imported_by(model, "fold.py") | modules_imported_by(model, "queries.py")
    helpers = present - FILES - {"merkle"}  # it stands beside the rows
    assert {f"{model.package}.{name.removesuffix('.py')}" for name in helpers} <= imported


def modules_imported_by(model: ReadModel, file: str) -> set[str]:
    modules: set[str] = set()
    for node in ast.walk(ast.parse((folder(model) / file).read_text("utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {name.name for name in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            modules |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return modules


@every_model
def test_its_declaration_names_its_own_folder(model: ReadModel) -> None:
    assert model.package == f"projections.{model.name}"
    assert model.version >= 1


@every_model
def test_its_rows_have_the_columns_of_its_tables_in_the_same_order(model: ReadModel) -> None:
    declared = {table.name: list(table.columns) for table in model.tables}
    assert declared == {name: columns for name, (columns, _) in created(model).items()}


@every_model
def test_its_keys_are_the_primary_keys_of_its_tables(model: ReadModel) -> None:
    declared = {table.name: key_of(table) for table in model.tables}
    assert declared == {name: key for name, (_, key) in created(model).items()}


def key_of(table: Table) -> list[str]:
    return list(table.columns[: table.key_columns])


def created(model: ReadModel) -> dict[str, tuple[list[str], list[str]]]:
    """The tables of schema.sql with their columns and primary keys."""
    tables = {}
    for name, body in re.findall(r"CREATE TABLE (\w+) \((.*?)\n\);", model.schema_sql(), re.DOTALL):
        lines = [line.strip().removesuffix(",") for line in body.strip().splitlines()]
        keys = [line for line in lines if line.startswith("PRIMARY KEY")]
        columns = [line.split()[0] for line in lines if line not in keys]
        key = (
            re.findall(r"\w+", keys[0].partition("(")[2])
            if keys
            else [line.split()[0] for line in lines if line.endswith("PRIMARY KEY")]
        )
        tables[name] = (columns, key)
    return tables
