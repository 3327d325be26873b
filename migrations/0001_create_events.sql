-- The log: every event that happened to a candidate or a job, in commit order.
-- Append-only for the service: it may read, and append through append_events.

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

-- The only way in. The lock is held from before the first position is taken until after the commit,
-- so that positions become visible in order and have no gaps. Each statement of the function sees
-- what was committed before it began, the INSERT therefore all that was appended before the lock.
-- Not LOCK TABLE: the mode that it takes needs privileges that would also allow UPDATE.
CREATE FUNCTION hirelog.append_events (
    originator_ids uuid[], originator_versions bigint[], topics text[], states bytea[]
) RETURNS SETOF bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7230417203844118884);
    RETURN QUERY
        INSERT INTO hirelog.events
               (notification_id, originator_id, originator_version, topic, state)
        SELECT head.notification_id + given.place, given.originator_id, given.originator_version,
               given.topic, given.state
          FROM (SELECT coalesce(max(notification_id), 0) AS notification_id
                  FROM hirelog.events) AS head,
               unnest(originator_ids, originator_versions, topics, states)
               WITH ORDINALITY AS given (originator_id, originator_version, topic, state, place)
         ORDER BY given.place
        RETURNING notification_id;
    PERFORM pg_notify('hirelog_events', '');
END
$$;

REVOKE ALL ON FUNCTION hirelog.append_events FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hirelog.append_events TO hirelog_service;
GRANT SELECT ON hirelog.events TO hirelog_service;
