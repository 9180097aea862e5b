-- Answers beside the samples of a cell: asked once more by hand, and other endings of its answers. No figure
-- counts them. An ending says as JSON from which answer of the cell it goes on.

CREATE TABLE asides (
    sweep_id INTEGER NOT NULL,
    cell     INTEGER NOT NULL,
    number   INTEGER NOT NULL CHECK (number >= 0),
    branch   TEXT,
    run_id   INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    PRIMARY KEY (sweep_id, cell, number),
    FOREIGN KEY (sweep_id, cell) REFERENCES cells (sweep_id, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX asides_by_run ON asides (run_id);
