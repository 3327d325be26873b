"""Finds a read model by its folder, also one that lies outside the project."""

import re
import sys
from importlib import import_module
from pathlib import Path

from domain.errors import NotOnRecord
from projections.runtime.contract import ReadModel

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")  # schemas are named after it


class NoReadModel(NotOnRecord):
    """The folder holds no read model; the message says what is missing."""


def find(folder: str) -> ReadModel:
    """The read model that the package in `folder` declares.

    Its code runs in this process. Raises NoReadModel.
    """
    path = Path(folder).resolve()
    if not (path / "__init__.py").is_file():
        raise NoReadModel(
            f"{folder} holds no read model: it needs __init__.py, schema.sql and fold.py"
        )
    name = _package(path)
    if "." not in name and str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    try:
        package = import_module(name)
    except Exception as error:
        raise NoReadModel(
            f"{folder} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    if Path(str(package.__file__)).resolve() != path / "__init__.py":
        raise NoReadModel(f"{folder} has the name of another package; rename the folder")
    declared = [each for each in vars(package).values() if isinstance(each, ReadModel)]
    if len(declared) != 1:
        raise NoReadModel(
            f"{folder}/__init__.py declares {len(declared)} read models; it must declare one"
        )
    if not NAME.fullmatch(declared[0].name):
        raise NoReadModel(
            f"the read model in {folder} must have a name of at most 40 lower-case letters, digits "
            "and underscores that begins with a letter"
        )
    return declared[0]


def folder_of(model: ReadModel) -> str:
    """The folder in which find() finds the model, in any process."""
    return str(Path(str(sys.modules[model.package].__file__)).resolve().parent)


def _package(path: Path) -> str:
    parts = [path.name]
    while (path.parent / "__init__.py").is_file():
        path = path.parent
        parts.insert(0, path.name)
    return ".".join(parts)
