-- The log: every event that happened to a candidate or a job, in commit order.
-- Append-only for the service: it may read and insert, and nothing else.

CREATE TABLE hirelog.events (
    notification_id    bigint NOT NULL,
    originator_id      uuid   NOT NULL,
    originator_version bigint NOT NULL,
    topic              text   NOT NULL,
    state              bytea  NOT NULL,
    PRIMARY KEY (originator_id, originator_version)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.05);

CREATE UNIQUE INDEX events_notification_id_idx ON hirelog.events (notification_id);

COMMENT ON TABLE hirelog.events IS 'Everything that happened, immutable';
COMMENT ON COLUMN hirelog.events.notification_id IS 'Position in the log, in commit order, without gaps';
COMMENT ON COLUMN hirelog.events.originator_id IS 'The candidate or the job';
COMMENT ON COLUMN hirelog.events.originator_version IS 'Number of the event on its stream, from 1';

GRANT SELECT, INSERT ON hirelog.events TO hirelog_service;
