-- Which tables the read models have, and where each stands. Disposable like the models themselves.

-- Builds that are made together in one pass over the log up to `head`, unit by unit.
CREATE TABLE read_models.rebuilds (
    rebuild    integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    state      text        NOT NULL DEFAULT 'running'
               CHECK (state IN ('running', 'paused', 'stopped', 'done')),
    purpose    text        NOT NULL CHECK (purpose IN ('live', 'as-of', 'scratch')),
    head       bigint      NOT NULL,
    as_of      timestamptz,
    as_of_by   text        CHECK (as_of_by IN ('recorded', 'occurred')),
    error      text,
    started_at timestamptz NOT NULL DEFAULT now()
);

-- A range of streams whose rows one worker makes in one transaction.
CREATE TABLE read_models.units (
    rebuild integer NOT NULL REFERENCES read_models.rebuilds ON DELETE CASCADE,
    unit    integer NOT NULL,
    first   uuid    NOT NULL,
    last    uuid    NOT NULL,
    is_done boolean NOT NULL DEFAULT false,
    PRIMARY KEY (rebuild, unit)
);

-- A set of tables of a read model, in a schema of its own; the live one's is named as the model.
CREATE SEQUENCE read_models.build_numbers AS integer;
CREATE TABLE read_models.builds (
    build       integer     PRIMARY KEY,
    model       text        NOT NULL,
    version     integer     NOT NULL,
    digest      text        NOT NULL,
    schema_name text        NOT NULL UNIQUE,
    state       text        NOT NULL
                CHECK (state IN ('live', 'building', 'retired', 'kept')),
    position    bigint      NOT NULL DEFAULT 0,
    revision    integer     NOT NULL DEFAULT 0,
    rebuild     integer     REFERENCES read_models.rebuilds ON DELETE SET NULL,
    later_sql   text[]      NOT NULL DEFAULT '{}',
    made_at     timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX builds_live_idx ON read_models.builds (model) WHERE state = 'live';
CREATE INDEX builds_model_idx ON read_models.builds (model, state, build);
COMMENT ON COLUMN read_models.builds.position IS 'The last event of the log that the rows reflect';
COMMENT ON COLUMN read_models.builds.revision IS 'Rises whenever someone else than the projector has changed what is parked';
COMMENT ON COLUMN read_models.builds.later_sql IS 'Keys and indexes that are made when the rows are there';

-- Events that a model could not fold, and those of the same stream behind them, in order.
CREATE TABLE read_models.parked (
    build     integer     NOT NULL REFERENCES read_models.builds ON DELETE CASCADE,
    position  bigint      NOT NULL,
    stream    uuid        NOT NULL,
    topic     text        NOT NULL,
    error     text        NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (build, position)
);
CREATE INDEX parked_stream_idx ON read_models.parked (build, stream, position);
