-- Who made an API key, and who ended it. Who replaced one is who made the one in its place.

ALTER TABLE hirelog.api_keys
    ADD COLUMN created_by text,
    ADD COLUMN revoked_by text;

COMMENT ON COLUMN hirelog.api_keys.created_by IS 'Unknown of keys from before this was kept';
COMMENT ON COLUMN hirelog.api_keys.revoked_by IS 'Who asked for it first';

GRANT UPDATE (revoked_by) ON hirelog.api_keys TO hirelog_service;
