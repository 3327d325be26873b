-- Who may call. Only a digest of a key is kept; rows are never deleted, so that who could call when
-- stays known.

CREATE TABLE hirelog.api_keys (
    key_id       text        PRIMARY KEY,
    digest       bytea       NOT NULL UNIQUE,
    actor        text        NOT NULL,
    role         text        NOT NULL,
    scopes       text[]      NOT NULL,
    rate_limit   text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz,
    revoked_at   timestamptz,
    replaced_by  text        REFERENCES hirelog.api_keys,
    last_used_at timestamptz
);

COMMENT ON COLUMN hirelog.api_keys.key_id IS 'The first part of the key, which may be seen';
COMMENT ON COLUMN hirelog.api_keys.digest IS 'SHA-256 of the whole key, which has 256 random bits';
COMMENT ON COLUMN hirelog.api_keys.actor IS 'Who calls with it, as the events say it';
COMMENT ON COLUMN hirelog.api_keys.last_used_at IS 'To the minute';

GRANT SELECT, INSERT ON hirelog.api_keys TO hirelog_service;
GRANT UPDATE (expires_at, revoked_at, replaced_by, last_used_at) ON hirelog.api_keys
    TO hirelog_service;
