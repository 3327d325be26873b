CREATE TABLE candidates (
    candidate_id        uuid             PRIMARY KEY,
    name                text,
    origin              text,
    source              text,
    status              text             NOT NULL,
    active_applications uuid[]           NOT NULL,
    ended_applications  uuid[]           NOT NULL,
    hired_applications  uuid[]           NOT NULL,
    erased              text[]           NOT NULL,
    pools               text[]           NOT NULL,
    consent_outreach    boolean,
    consent_outreach_since  timestamptz,
    consent_outreach_until  timestamptz,
    consent_retention   boolean,
    consent_retention_since timestamptz,
    consent_retention_until timestamptz,
    unsubscribed        text[]           NOT NULL,
    unsubscribed_since  timestamptz[]    NOT NULL,
    touches             integer          NOT NULL,
    messages            integer          NOT NULL,
    opens               integer          NOT NULL,
    clicks              integer          NOT NULL,
    replies             integer          NOT NULL,
    first_touch_at      timestamptz,
    last_touch_at       timestamptz,
    last_engagement_at  timestamptz,
    warmth_log2         double precision NOT NULL,
    recent_warmth_log2  double precision NOT NULL,
    updated_at          timestamptz      NOT NULL,
    first_position      bigint           NOT NULL
);
CREATE INDEX candidates_warmth_idx ON candidates (warmth_log2, candidate_id);
CREATE INDEX candidates_status_idx ON candidates (status, warmth_log2, candidate_id);
CREATE INDEX candidates_updated_idx ON candidates (updated_at, candidate_id);
CREATE INDEX candidates_last_touch_idx ON candidates (last_touch_at);

-- Beside candidates.pools, because the planner can judge how rare a pool is only by a column.
CREATE TABLE pool_members (
    pool         text    NOT NULL,
    candidate_id uuid    NOT NULL,
    is_member    boolean NOT NULL,
    PRIMARY KEY (pool, candidate_id)
);

CREATE TABLE touchpoints (
    candidate_id uuid        NOT NULL,
    version      bigint      NOT NULL,
    type         text        NOT NULL,
    direction    text        NOT NULL,
    channel      text,
    sequence     text,
    step         integer,
    message_id   text,
    actor        text        NOT NULL,
    occurred_at  timestamptz NOT NULL,
    position     bigint      NOT NULL,
    PRIMARY KEY (candidate_id, version)
);

-- ANALYZE would copy sealed names into its histograms.
ALTER TABLE candidates ALTER COLUMN name SET STATISTICS 0;
