CREATE TABLE jobs (
    job_id         uuid        PRIMARY KEY,
    title          text        NOT NULL,
    department     text,
    location       text,
    openings       integer     NOT NULL,
    stages         text[]      NOT NULL,
    status         text        NOT NULL,
    opened_at      timestamptz,
    closed_at      timestamptz,
    hiring_managers text[]     NOT NULL,
    updated_at     timestamptz NOT NULL,
    first_position bigint      NOT NULL
);
CREATE INDEX jobs_hiring_managers_idx ON jobs USING gin (hiring_managers);
CREATE UNIQUE INDEX jobs_first_position_idx ON jobs (first_position);
CREATE INDEX jobs_updated_idx ON jobs (updated_at, job_id);

CREATE TABLE applications (
    candidate_id     uuid        NOT NULL,
    application_id   uuid        NOT NULL,
    job_id           uuid,
    job_title        text,
    status           text        NOT NULL,
    stage            text,
    stage_visit      integer     NOT NULL,
    stage_entered_at timestamptz,
    stage_entered_by text,
    origin           text,
    source           text,
    applied_at       timestamptz,
    ended_at         timestamptz,
    end_reason       text,
    rejection_type   text,
    offers           integer     NOT NULL,
    offer_status     text,
    broken_rules     integer     NOT NULL,
    last_event_at    timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    first_position   bigint      NOT NULL,
    last_position    bigint      NOT NULL,
    PRIMARY KEY (candidate_id, application_id)
);
CREATE UNIQUE INDEX applications_application_idx ON applications (application_id);
CREATE UNIQUE INDEX applications_first_position_idx ON applications (first_position);
CREATE INDEX applications_updated_idx ON applications (updated_at, application_id);
CREATE INDEX applications_status_updated_idx ON applications (status, updated_at, application_id);
CREATE INDEX applications_job_idx ON applications (job_id, status, first_position);
CREATE INDEX applications_board_idx
    ON applications (job_id, stage, stage_entered_at) WHERE status = 'active';
CREATE INDEX applications_status_idx ON applications (status, first_position);
CREATE INDEX applications_stage_idx ON applications (stage, status, first_position);
CREATE INDEX applications_source_idx ON applications (source, status, first_position);
CREATE INDEX applications_candidate_idx ON applications (candidate_id, first_position);

CREATE TABLE stage_visits (
    application_id uuid        NOT NULL,
    visit          integer     NOT NULL,
    candidate_id   uuid        NOT NULL,
    job_id         uuid,
    stage          text,
    entered_at     timestamptz,
    entered_by     text,
    exited_at      timestamptz,
    exited_by      text,
    exited_to      text,
    PRIMARY KEY (application_id, visit)
);
CREATE INDEX stage_visits_job_idx ON stage_visits (job_id, stage, entered_at);

-- Names stay sealed; who may see them has them opened at the door.
CREATE TABLE people (
    candidate_id uuid PRIMARY KEY,
    name         text
);

-- ANALYZE would copy sealed names into its histograms.
ALTER TABLE people ALTER COLUMN name SET STATISTICS 0;
