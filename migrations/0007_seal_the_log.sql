-- What proves that the log was not altered. Durable, not rebuilt: made anew from altered events it
-- would prove the alteration. The service appends to these and changes nothing.

-- The log's name in its checkpoints, and whose signatures they bear; the same for its whole life.
CREATE TABLE hirelog.log_identity (
    one_row      boolean     PRIMARY KEY DEFAULT true CHECK (one_row),
    verifier_key text        NOT NULL,
    recorded_at  timestamptz NOT NULL DEFAULT now()
);

-- Signed checkpoints, each with the leaf hashes of the events that it added.
CREATE TABLE hirelog.log_checkpoints (
    size      bigint      PRIMARY KEY,
    since     bigint      NOT NULL UNIQUE,
    leaves    bytea       NOT NULL,
    note      text        NOT NULL,
    signed_at timestamptz NOT NULL DEFAULT now(),
    CHECK (since >= 0 AND size > since AND octet_length(leaves) = 32 * (size - since))
);
ALTER TABLE hirelog.log_checkpoints ALTER COLUMN leaves SET STORAGE EXTERNAL;

COMMENT ON COLUMN hirelog.log_checkpoints.size IS 'How many events it covers: the position of the last';
COMMENT ON COLUMN hirelog.log_checkpoints.since IS 'The size of the checkpoint before, 0 for the first';
COMMENT ON COLUMN hirelog.log_checkpoints.leaves IS 'RFC 6962 leaf hashes of since + 1 to size, 32 bytes each';
COMMENT ON COLUMN hirelog.log_checkpoints.note IS 'C2SP tlog-checkpoint, signed';

-- Hashes of complete subtrees of 256^level leaves, so that a proof reads a few rows.
CREATE TABLE hirelog.log_subtrees (
    level  smallint NOT NULL CHECK (level > 0),
    number bigint   NOT NULL,
    hash   bytea    NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (level, number)
);

GRANT SELECT, INSERT ON hirelog.log_identity, hirelog.log_checkpoints, hirelog.log_subtrees
   TO hirelog_service;
