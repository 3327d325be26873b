-- One key for each candidate and purpose, wrapped by the master key. Destroying a key
-- (wrapped_key becomes NULL) erases what it encrypted wherever the log was copied to.

CREATE TABLE hirelog.candidate_keys (
    candidate_id uuid        NOT NULL,
    purpose      text        NOT NULL,
    wrapped_key  bytea,
    created_at   timestamptz NOT NULL DEFAULT now(),
    destroyed_at timestamptz,
    PRIMARY KEY (candidate_id, purpose),
    CHECK ((wrapped_key IS NULL) = (destroyed_at IS NOT NULL))
);

-- Which master key wraps: a wrong one is noticed at start-up, not by unreadable candidates.
CREATE TABLE hirelog.master_key (
    one_row     boolean     PRIMARY KEY DEFAULT true CHECK (one_row),
    fingerprint text        NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);

GRANT SELECT, INSERT ON hirelog.candidate_keys TO hirelog_service;
GRANT UPDATE (wrapped_key, destroyed_at) ON hirelog.candidate_keys TO hirelog_service;
GRANT SELECT, INSERT ON hirelog.master_key TO hirelog_service;
