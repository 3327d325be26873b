"""How fast a read model is built from the whole log, against the library's runner and the limit."""

from collections.abc import Mapping, Sequence
from functools import partial

from projections import READ_MODELS
from projections.ats_pipeline import ATS_PIPELINE
from projections.compliance_audit import COMPLIANCE_AUDIT
from projections.crm_engagement import CRM_ENGAGEMENT
from tests.bench import limit, rebuilt, stock
from tests.bench.bench import Bench
from tests.bench.measured import Measurement, Rate, measure
from tests.bench.result import Figure, Result

ROUNDS = 3  # a machine that others share is half as fast from one minute to the next
WORTH_ROUNDS = 100_000  # events

MEASUREMENTS: Mapping[str, Measurement] = {
    "stock": stock.measure,
    "limit": limit.measure,
    "one_model": partial(rebuilt.rebuilt, models=[ATS_PIPELINE], workers=1),
    "two_workers": partial(rebuilt.rebuilt, models=[ATS_PIPELINE], workers=2),
    "crm_engagement": partial(rebuilt.rebuilt, models=[CRM_ENGAGEMENT], workers=1),
    "crm_engagement_two_workers": partial(rebuilt.rebuilt, models=[CRM_ENGAGEMENT], workers=2),
    "compliance_audit": partial(rebuilt.rebuilt, models=[COMPLIANCE_AUDIT], workers=1),
    "compliance_audit_two_workers": partial(rebuilt.rebuilt, models=[COMPLIANCE_AUDIT], workers=2),
    "all_models_one_worker": partial(rebuilt.rebuilt, models=READ_MODELS, workers=1),
    "all_models": partial(rebuilt.rebuilt, models=READ_MODELS, workers=2),
}
RATIOS = {
    "one_model_vs_stock": ("one_model", "stock"),
    "all_models_vs_stock": ("all_models", "stock"),
    "all_models_one_worker_vs_stock": ("all_models_one_worker", "stock"),
    "two_workers_vs_one": ("two_workers", "one_model"),
    "one_model_vs_limit": ("one_model", "limit"),
}
COMPARED = tuple(dict.fromkeys(name for pair in RATIOS.values() for name in pair))
TITLES = {
    "stock": "ats_pipeline, the library's own runner",
    "limit": "ats_pipeline, COPY alone",
    "one_model": "ats_pipeline, 1 worker",
    "two_workers": "ats_pipeline, 2 workers",
    "crm_engagement": "crm_engagement, 1 worker",
    "crm_engagement_two_workers": "crm_engagement, 2 workers",
    "compliance_audit": "compliance_audit, 1 worker",
    "compliance_audit_two_workers": "compliance_audit, 2 workers",
    "all_models_one_worker": "all read models, 1 worker",
    "all_models": "all read models, 2 workers",
    "appends": "commands of one writer meanwhile",
}


def run(bench: Bench) -> Result:
    """Loads the log and takes each measurement: what is compared in rounds, all else once."""
    bench.load()
    bench.project()
    rounds = ROUNDS if bench.events >= WORTH_ROUNDS else 1
    alone_seconds = rebuilt.ALONE_SHARE * bench.seconds
    measurements: Mapping[str, Measurement] = {
        **MEASUREMENTS,
        "appends": partial(rebuilt.appends_meanwhile, alone_seconds=alone_seconds),
    }
    # Last what appends to the log, which all others find as it was.
    once = [name for name in measurements if name not in COMPARED]
    taken: dict[str, list[Rate]] = {name: [] for name in measurements}
    for name in [*COMPARED] * rounds + once:
        bench.settle()
        taken[name].append(measure(measurements[name], bench.data_dir))
    rates = {name: _middle(some) for name, some in taken.items()}
    return Result(
        title=f"Building a read model from the log, the median of {rounds} where compared",
        columns=("", "events", "seconds", "events/s", "to the first", "peak MiB"),
        rows=[_row(name, rate, rates["stock"]) for name, rate in rates.items()],
        figures=_figures(rates),
        ratios={
            name: round(rates[of].per_second / rates[to].per_second, 3)
            for name, (of, to) in RATIOS.items()
        }
        | {
            "appends_during_rebuild_vs_before": round(
                rates["appends"].per_second / rates["appends"].more["per_second_before"], 3
            )
        },
    )


def _middle(rates: Sequence[Rate]) -> Rate:
    return sorted(rates, key=lambda rate: rate.per_second)[len(rates) // 2]


def _row(name: str, rate: Rate, stock_rate: Rate) -> list[str]:
    return [
        TITLES[name],
        f"{rate.events:,}",
        f"{rate.seconds:,.2f}",
        f"{rate.per_second:,.0f}",
        f"{rate.per_second / stock_rate.per_second:,.1f}",
        f"{(rate.peak_bytes or 0) / 2**20:,.0f}",
    ]


def _figures(rates: Mapping[str, Rate]) -> dict[str, Figure]:
    figures: dict[str, Figure] = {}
    for name, rate in rates.items():
        figures[f"{name}_events"] = rate.events
        figures[f"{name}_seconds"] = round(rate.seconds, 3)
        figures[f"{name}_events_per_second"] = round(rate.per_second, 1)
        figures[f"{name}_peak_bytes"] = rate.peak_bytes
        figures |= {f"{name}_{more}": round(value, 3) for more, value in rate.more.items()}
    return figures
