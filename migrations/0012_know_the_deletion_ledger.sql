-- Which file is this database's deletion ledger: who keeps another one is told.

CREATE TABLE hirelog.deletion_ledger (
    one_row     boolean     PRIMARY KEY DEFAULT true CHECK (one_row),
    ledger_id   uuid        NOT NULL,
    host        text        NOT NULL,
    path        text        NOT NULL,
    known_since timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN hirelog.deletion_ledger.ledger_id IS 'Stands in the file, wherever that is moved to';
COMMENT ON COLUMN hirelog.deletion_ledger.path IS 'Where the file was when it became known, on that host';

GRANT SELECT, INSERT ON hirelog.deletion_ledger TO hirelog_service;
GRANT UPDATE (ledger_id, host, path, known_since) ON hirelog.deletion_ledger TO hirelog_service;
