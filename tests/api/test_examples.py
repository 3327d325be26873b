"""The examples in the documentation of the API can be sent as they stand."""

from typing import get_args

import httpx

from api import examples
from domain import errors
from domain.candidate.intents import Interaction
from tests.api.talk import apply, open_job, post


def test_every_interaction_has_an_example(http: httpx.Client) -> None:
    kinds = {intent.model_fields["type"].default for intent in get_args(get_args(Interaction)[0])}
    assert set(examples.INTERACTIONS) == kinds
    codes = {
        refusal.code
        for refusal in vars(errors).values()
        if isinstance(refusal, type) and issubclass(refusal, errors.Refusal)
        if refusal is not errors.Refusal
    }
    job = open_job(http, stages=["Application review", "Phone screen"])
    candidate, application = apply(http, job)
    own = {examples.JOB: job, examples.APPLICATION: application}
    accepted = set()
    for kind, example in examples.INTERACTIONS.items():
        body = example["value"]
        fitting = {name: own.get(str(value), value) for name, value in body.items()}
        for sent in (body, fitting):
            answer = http.post(f"/v1/candidates/{candidate}/interactions", json=sent)
            if answer.status_code == 201:
                accepted.add(kind)
            else:
                assert answer.status_code in {404, 409, 422}, answer.text
                assert answer.json()["code"] in codes, answer.text
    assert {"advanced", "contacted", "opened", "offered", "offer-accepted", "hired"} <= accepted
    assert {"sourced", "noted", "profile-updated", "consent-granted", "unsubscribed"} <= accepted


def test_example_of_each_kind_of_job_request_is_accepted(http: httpx.Client) -> None:
    for example in examples.JOBS.values():
        job = post(http, "/v1/jobs", example["value"])["id"]
        for change in examples.JOB_CHANGES.values():
            post(http, f"/v1/jobs/{job}/interactions", change["value"])
    job = open_job(http)
    for example in examples.BEGINNINGS.values():
        body = example["value"] | ({"job_id": job} if "job_id" in example["value"] else {})
        post(http, "/v1/candidates", body)
