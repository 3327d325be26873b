"""Loads the demonstration company into a data directory once, and finishes it when interrupted."""

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel

from api.database import CannotStart
from api.demonstration import company, load
from api.interchange.batch import Progress
from api.wiring import System
from domain.intake import REMEMBERED, Intake
from domain.values import now

MARKER = "demonstration.json"
EVENTS_A_CANDIDATE = 9  # about, for progress bars


class Marker(BaseModel):
    """Which company was begun here, and whether all of it is on record."""

    candidates: int
    seed: int
    until: datetime
    complete: bool = False


def load_once(system: System, candidates: int, seed: int, progress: Progress) -> Marker:
    """Loads the company, or what is missing of it, and returns which one is here.

    Raises CannotStart where the log holds another history.
    """
    path: Path = system.settings.data_dir / MARKER
    if path.exists():
        marker = Marker.model_validate_json(path.read_text("utf-8"))
        if (marker.candidates, marker.seed) != (candidates, seed):
            raise CannotStart(
                f"{path.parent} holds a demonstration of {marker.candidates} candidates with seed "
                f"{marker.seed}; give another --data-dir for another one"
            )
    elif system.recruiting.recorder.max_notification_id():
        raise CannotStart(
            f"{path.parent} holds a history of its own; give another --data-dir for the demo"
        )
    else:
        marker = Marker(candidates=candidates, seed=seed, until=now())
        _write(path, marker)
    if not marker.complete:
        steps = company(marker.candidates, seed=marker.seed, until=marker.until)
        # A tenth of the stories is under way at any time; none should be read again meanwhile.
        intake = Intake(system.recruiting, remember=max(REMEMBERED, marker.candidates // 4))
        load(intake, steps, progress)
        marker.complete = True
        _write(path, marker)
    return marker


def _write(path: Path, marker: Marker) -> None:
    unfinished = path.with_suffix(".part")
    unfinished.write_text(marker.model_dump_json(), "utf-8")
    unfinished.replace(path)
