-- Who read whose record, when and why. Append-only for the service, and no part of the log: a reading
-- changes nothing about the candidate.

CREATE TABLE hirelog.readings (
    reading      bigint      GENERATED ALWAYS AS IDENTITY,
    read_at      timestamptz NOT NULL,
    candidate_id uuid,
    reader       text        NOT NULL,
    role         text        NOT NULL,
    what         text        NOT NULL,
    through      text        NOT NULL,
    why          text,
    PRIMARY KEY (read_at, reading)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.05);

CREATE INDEX readings_candidate_idx ON hirelog.readings (candidate_id, read_at, reading);
CREATE INDEX readings_reader_idx ON hirelog.readings (reader, read_at, reading);

COMMENT ON COLUMN hirelog.readings.candidate_id IS 'Nobody alone where everybody was read';
COMMENT ON COLUMN hirelog.readings.reader IS 'As it would stand in events, such as compliance:kim';
COMMENT ON COLUMN hirelog.readings.why IS 'As the reader said it; it should name nobody';

GRANT SELECT, INSERT ON hirelog.readings TO hirelog_service;
