-- Adverse impact reports as they were published: counts and texts, nobody's data. What was published
-- stays, also when people who were counted are erased.

CREATE TABLE hirelog.impact_reports (
    report_id      uuid        PRIMARY KEY,
    published_at   timestamptz NOT NULL DEFAULT now(),
    published_by   text        NOT NULL,
    position       bigint      NOT NULL,
    checkpoint     text,
    policy         text        NOT NULL,
    policy_version text        NOT NULL,
    json           text        NOT NULL,
    csv            text        NOT NULL,
    html           text        NOT NULL
);

COMMENT ON COLUMN hirelog.impact_reports.position IS 'Place in the log up to which it counts';
COMMENT ON COLUMN hirelog.impact_reports.checkpoint IS 'Signed checkpoint of the Merkle log at or after it';

GRANT SELECT, INSERT ON hirelog.impact_reports TO hirelog_service;
