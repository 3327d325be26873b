-- How one signing key of the log followed another. The service adds to these and changes nothing.

CREATE TABLE hirelog.log_rotations (
    rotation   bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    note       text        NOT NULL,
    rotated_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE hirelog.log_rotations IS 'From the first key, in hirelog.log_identity, to the present one';
COMMENT ON COLUMN hirelog.log_rotations.note IS 'The last checkpoint of the old key, which names both, signed by both';

GRANT SELECT, INSERT ON hirelog.log_rotations TO hirelog_service;
