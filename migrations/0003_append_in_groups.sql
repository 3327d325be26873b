-- Appends of several writers in one transaction: whoever's decision no longer stands is left out, and
-- the others are appended.

-- Each event, what a decision rests on, and each new key names the member of the group that it
-- belongs to. A member is refused when a stream that it rests on has a further event by now, or when a
-- key that it brings was made by someone else meanwhile. Returns the members that were refused, and
-- the position before the first event that was appended; the others follow it without gaps.
--
-- The lock is held from before the first position is taken until after the commit, so that positions
-- become visible in order. Each statement of the function sees what was committed before it began,
-- therefore all that was appended before the lock. Not LOCK TABLE: the mode that it takes needs
-- privileges that would also allow UPDATE. Plans are made once, for planning takes longer than an
-- append, and with indexes alone, for the tables grow meanwhile.
CREATE FUNCTION hirelog.append_group (
    members int[], originator_ids uuid[], originator_versions bigint[], topics text[], states bytea[],
    resting_members int[], resting_on uuid[], resting_at bigint[],
    keyed_members int[], candidate_ids uuid[], purposes text[], wrapped_keys bytea[],
    OUT refused int[], OUT head bigint
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7230417203844118884);

    SELECT coalesce(array_agg(resting.member), '{}')
      INTO refused
      FROM unnest(resting_members, resting_on, resting_at) AS resting (member, stream, version)
      JOIN hirelog.events
        ON originator_id = resting.stream AND originator_version = resting.version + 1;

    IF cardinality(keyed_members) > 0 THEN
        SELECT refused || coalesce(array_agg(keyed.member), '{}')
          INTO refused
          FROM unnest(keyed_members, candidate_ids, purposes) AS keyed (member, candidate_id, purpose)
         WHERE EXISTS (SELECT FROM hirelog.candidate_keys
                        WHERE candidate_keys.candidate_id = keyed.candidate_id
                          AND candidate_keys.purpose = keyed.purpose);
        INSERT INTO hirelog.candidate_keys (candidate_id, purpose, wrapped_key)
        SELECT keyed.candidate_id, keyed.purpose, keyed.wrapped_key
          FROM unnest(keyed_members, candidate_ids, purposes, wrapped_keys)
               AS keyed (member, candidate_id, purpose, wrapped_key)
         WHERE keyed.member <> ALL (refused);
    END IF;

    SELECT coalesce(max(notification_id), 0) INTO head FROM hirelog.events;

    IF refused = '{}' THEN
        INSERT INTO hirelog.events
               (notification_id, originator_id, originator_version, topic, state)
        SELECT head + given.place, given.originator_id, given.originator_version, given.topic,
               given.state
          FROM unnest(originator_ids, originator_versions, topics, states)
               WITH ORDINALITY AS given (originator_id, originator_version, topic, state, place);
    ELSE
        INSERT INTO hirelog.events
               (notification_id, originator_id, originator_version, topic, state)
        SELECT head + row_number() OVER (ORDER BY given.place), given.originator_id,
               given.originator_version, given.topic, given.state
          FROM unnest(members, originator_ids, originator_versions, topics, states)
               WITH ORDINALITY AS given (member, originator_id, originator_version, topic, state, place)
         WHERE given.member <> ALL (refused);
    END IF;
    PERFORM pg_notify('hirelog_events', '');
END
$$;

REVOKE ALL ON FUNCTION hirelog.append_group FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hirelog.append_group TO hirelog_service;
