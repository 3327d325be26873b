-- The keys of self-identifications are seen by a role of their own alone. What they seal lies in the
-- log, where the service may read it and cannot open it. The owner of the table, as whom append_group
-- stores keys, is not bound by policies.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hirelog_self_identification') THEN
        CREATE ROLE hirelog_self_identification NOLOGIN;
    END IF;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO hirelog_self_identification', current_database());
    -- Whoever may become the one must not become the other by that.
    IF pg_has_role('hirelog_service', 'hirelog_self_identification', 'MEMBER') THEN
        RAISE EXCEPTION 'hirelog_service is a member of hirelog_self_identification; revoke that first';
    END IF;
END
$$;

ALTER TABLE hirelog.candidate_keys ENABLE ROW LEVEL SECURITY;

CREATE POLICY all_but_self_identification ON hirelog.candidate_keys
    TO hirelog_service
 USING (purpose <> 'self-identification');

CREATE POLICY self_identification_alone ON hirelog.candidate_keys
    TO hirelog_self_identification
 USING (purpose = 'self-identification');

GRANT USAGE ON SCHEMA hirelog TO hirelog_self_identification;
GRANT SELECT ON hirelog.events, hirelog.candidate_keys, hirelog.migrations TO hirelog_self_identification;
GRANT UPDATE (wrapped_key, destroyed_at) ON hirelog.candidate_keys TO hirelog_self_identification;
GRANT SELECT, INSERT ON hirelog.master_key TO hirelog_self_identification;
GRANT EXECUTE ON FUNCTION hirelog.append_group TO hirelog_self_identification;
