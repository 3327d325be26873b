CREATE TABLE entries (
    position       bigint      PRIMARY KEY,
    candidate_id   uuid,
    job_id         uuid,
    application_id uuid,
    version        bigint      NOT NULL,
    type           text        NOT NULL,
    actor          text        NOT NULL,
    on_behalf_of   text,
    reason         text,
    description    text        NOT NULL,
    occurred_at    timestamptz NOT NULL,
    recorded_at    timestamptz NOT NULL,
    provenance     text        NOT NULL,
    broken_rules   text[]      NOT NULL,
    command_id     uuid        NOT NULL,
    correlation_id text,
    causation_id   text
);
CREATE INDEX entries_candidate_idx ON entries (candidate_id, position);
CREATE INDEX entries_job_idx ON entries (job_id, position);
CREATE INDEX entries_actor_idx ON entries (actor, position, type);
CREATE INDEX entries_type_idx ON entries (type, position);
CREATE INDEX entries_occurred_idx ON entries (occurred_at, position);
CREATE INDEX entries_recorded_idx ON entries (recorded_at, position);

-- Who never does what, as far as a hundred pairs tell: the planner would walk the whole trail for it.
CREATE STATISTICS entries_actor_type_stats (mcv) ON actor, type FROM entries;
