-- Erasure: keys are destroyed in the transaction that appends `candidate.erased`, and never made again.
-- Beside it, who must let go of a person's data, who has, and to whom it was handed out before.

-- A key that is given as empty is destroyed, also where there was none yet: nobody can make one later.
-- Whoever remembers keys hears of it. What else it does: see 0003.
CREATE OR REPLACE FUNCTION hirelog.append_group (
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
          FROM unnest(keyed_members, candidate_ids, purposes, wrapped_keys)
               AS keyed (member, candidate_id, purpose, wrapped_key)
         WHERE keyed.wrapped_key <> ''
           AND EXISTS (SELECT FROM hirelog.candidate_keys
                        WHERE candidate_keys.candidate_id = keyed.candidate_id
                          AND candidate_keys.purpose = keyed.purpose);
        INSERT INTO hirelog.candidate_keys (candidate_id, purpose, wrapped_key)
        SELECT keyed.candidate_id, keyed.purpose, keyed.wrapped_key
          FROM unnest(keyed_members, candidate_ids, purposes, wrapped_keys)
               AS keyed (member, candidate_id, purpose, wrapped_key)
         WHERE keyed.member <> ALL (refused) AND keyed.wrapped_key <> '';
        INSERT INTO hirelog.candidate_keys (candidate_id, purpose, wrapped_key, destroyed_at)
        SELECT keyed.candidate_id, keyed.purpose, NULL, now()
          FROM unnest(keyed_members, candidate_ids, purposes, wrapped_keys)
               AS keyed (member, candidate_id, purpose, wrapped_key)
         WHERE keyed.member <> ALL (refused) AND keyed.wrapped_key = ''
            ON CONFLICT (candidate_id, purpose) DO UPDATE
           SET wrapped_key = NULL, destroyed_at = coalesce(candidate_keys.destroyed_at, now());
        PERFORM pg_notify('hirelog_erased', keyed.candidate_id::text)
           FROM unnest(keyed_members, candidate_ids, wrapped_keys)
                AS keyed (member, candidate_id, wrapped_key)
          WHERE keyed.member <> ALL (refused) AND keyed.wrapped_key = '';
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

-- Keys are destroyed by append_group alone.
REVOKE UPDATE ON hirelog.candidate_keys FROM hirelog_service;
REVOKE UPDATE (wrapped_key, destroyed_at) ON hirelog.candidate_keys FROM hirelog_service;

-- ANALYZE would copy wrapped keys and whole events into its histograms.
ALTER TABLE hirelog.candidate_keys ALTER COLUMN wrapped_key SET STATISTICS 0;
ALTER TABLE hirelog.events ALTER COLUMN state SET STATISTICS 0;
CREATE INDEX candidate_keys_destroyed_idx ON hirelog.candidate_keys (destroyed_at)
 WHERE destroyed_at IS NOT NULL;

-- For the deletion ledger, whichever purposes a role may see.
CREATE FUNCTION hirelog.destroyed_keys ()
RETURNS TABLE (stream uuid, purpose text, destroyed_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT candidate_id, purpose, destroyed_at
      FROM hirelog.candidate_keys
     WHERE destroyed_at IS NOT NULL
     ORDER BY destroyed_at
$$;
REVOKE ALL ON FUNCTION hirelog.destroyed_keys FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hirelog.destroyed_keys TO hirelog_service;

CREATE TABLE hirelog.erasures (
    erasure_id    uuid        PRIMARY KEY,
    candidate_id  uuid        NOT NULL,
    purposes      text[]      NOT NULL,
    legal_basis   text        NOT NULL,
    basis_version text        NOT NULL,
    reason        text,
    actor         text        NOT NULL,
    requested_at  timestamptz NOT NULL DEFAULT now(),
    state         text        NOT NULL DEFAULT 'requested'
                  CHECK (state IN ('requested', 'held', 'refused', 'erasing', 'complete')),
    because       text,
    position      bigint,
    erased_at     timestamptz,
    completed_at  timestamptz
);
CREATE INDEX erasures_requested_idx ON hirelog.erasures (requested_at, erasure_id);
CREATE INDEX erasures_candidate_idx ON hirelog.erasures (candidate_id);
CREATE INDEX erasures_open_idx ON hirelog.erasures (state) WHERE state <> 'complete';
COMMENT ON COLUMN hirelog.erasures.because IS 'Why it waits or was refused';
COMMENT ON COLUMN hirelog.erasures.position IS 'Where candidate.erased stands in the log';

-- Whatever may hold something of the person, and whether it has let go of it.
CREATE TABLE hirelog.erasure_holders (
    erasure_id uuid        NOT NULL REFERENCES hirelog.erasures ON DELETE CASCADE,
    holder     text        NOT NULL,
    state      text        NOT NULL DEFAULT 'pending'
               CHECK (state IN ('pending', 'acknowledged', 'gone')),
    because    text,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (erasure_id, holder)
);
CREATE INDEX erasure_holders_pending_idx ON hirelog.erasure_holders (holder) WHERE state = 'pending';

-- Processes that may remember personal values, for as long as they show signs of life.
CREATE TABLE hirelog.processes (
    process_id uuid        PRIMARY KEY,
    host       text        NOT NULL,
    pid        integer     NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now()
);

-- Who received personal values in clear: of one candidate, or (without one) of all up to a position.
CREATE TABLE hirelog.disclosures (
    disclosure  bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text        NOT NULL,
    recipient   text        NOT NULL,
    actor       text        NOT NULL,
    candidate_id uuid,
    position    bigint      NOT NULL,
    disclosed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX disclosures_candidate_idx ON hirelog.disclosures (candidate_id, disclosure);

GRANT SELECT, INSERT ON hirelog.erasures, hirelog.erasure_holders, hirelog.processes,
      hirelog.disclosures TO hirelog_service;
GRANT UPDATE (state, because, position, erased_at, completed_at) ON hirelog.erasures TO hirelog_service;
GRANT UPDATE (state, because, changed_at) ON hirelog.erasure_holders TO hirelog_service;
GRANT UPDATE (seen_at), DELETE ON hirelog.processes TO hirelog_service;
