-- Where each read model stands. Disposable like the models themselves.

CREATE TABLE IF NOT EXISTS read_models.checkpoints (
    model      text        PRIMARY KEY,
    version    integer     NOT NULL,
    position   bigint      NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- Events that a model could not fold, and those of the same stream behind them, in order.
CREATE TABLE IF NOT EXISTS read_models.parked (
    model     text        NOT NULL,
    position  bigint      NOT NULL,
    stream    uuid        NOT NULL,
    topic     text        NOT NULL,
    error     text        NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (model, position)
);
CREATE INDEX IF NOT EXISTS parked_stream_idx ON read_models.parked (model, stream, position);
