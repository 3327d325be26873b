"""Structured logs: one JSON object in a line on standard error, without personal data."""

import logging
import sys

import structlog


def configure(level: str) -> None:
    """Sends our log and the libraries' to standard error at `level` (debug to critical)."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(
        stream=sys.stderr, level=max(number, logging.WARNING), format='{"event": "%(message)s"}'
    )
