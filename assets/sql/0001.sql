-- What was asked and answered. Identifiers called uid are made by the program (16 bytes: session, number);
-- ids are SQLite's own. Times of day are milliseconds since 1970, spans of time nanoseconds.

CREATE TABLE conversations (
    id             INTEGER PRIMARY KEY,
    uid            BLOB NOT NULL UNIQUE CHECK (length(uid) = 16),
    title          TEXT NOT NULL DEFAULT '',
    settings       TEXT NOT NULL DEFAULT '{}',
    parent_id      INTEGER REFERENCES conversations (id) ON DELETE SET NULL,
    parent_message INTEGER,
    begun_ms       INTEGER NOT NULL,
    changed_ms     INTEGER NOT NULL,
    archived_ms    INTEGER,
    deleted_ms     INTEGER
) STRICT;
CREATE INDEX conversations_by_change ON conversations (changed_ms);

-- The content of an answer is that of its chosen variant and not kept twice.
CREATE TABLE messages (
    id              INTEGER PRIMARY KEY,
    uid             BLOB NOT NULL UNIQUE CHECK (length(uid) = 16),
    conversation_id INTEGER NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    position        INTEGER NOT NULL CHECK (position >= 0),
    role            TEXT NOT NULL CHECK (role IN ('system', 'user', 'assistant')),
    content         TEXT,
    chosen          INTEGER,
    created_ms      INTEGER NOT NULL,
    UNIQUE (conversation_id, position)
) STRICT;

-- Bodies of requests, each once: repeats and retries ask the same, conversations send their history again.
CREATE TABLE requests (
    id   INTEGER PRIMARY KEY,
    hash BLOB NOT NULL CHECK (length(hash) = 16),
    body TEXT NOT NULL
) STRICT;
CREATE INDEX requests_by_hash ON requests (hash);

-- One execution of one request, as far as a list needs it.
CREATE TABLE runs (
    id                      INTEGER PRIMARY KEY,
    uid                     BLOB NOT NULL UNIQUE CHECK (length(uid) = 16),
    request_id              INTEGER NOT NULL REFERENCES requests (id),
    endpoint                TEXT NOT NULL,
    model                   TEXT NOT NULL,
    begun_ms                INTEGER NOT NULL,
    status                  TEXT NOT NULL CHECK (status IN ('done', 'failed', 'cancelled')),
    finish_reason           TEXT,
    fault                   TEXT,
    text                    TEXT NOT NULL,
    reasoning               TEXT NOT NULL,
    attempts                INTEGER NOT NULL,
    input_tokens            INTEGER,
    cached_input_tokens     INTEGER,
    output_tokens           INTEGER,
    reasoning_tokens        INTEGER,
    estimated_output_tokens INTEGER,
    logprob_sum             REAL NOT NULL,
    logprob_count           INTEGER NOT NULL,
    dollars                 REAL,
    sent_ns                 INTEGER,
    first_ns                INTEGER,
    last_ns                 INTEGER,
    model_reported          TEXT,
    server_request_id       TEXT
) STRICT;
CREATE INDEX runs_by_time ON runs (begun_ms);

-- Tries that failed before the last one.
CREATE TABLE attempts (
    run_id   INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    after_ns INTEGER NOT NULL,
    delay_ms INTEGER NOT NULL,
    fault    TEXT NOT NULL,
    PRIMARY KEY (run_id, position)
) STRICT, WITHOUT ROWID;

-- Large and seldom read, so in tables of their own.
CREATE TABLE tokens (
    run_id INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    tokens BLOB NOT NULL
) STRICT;

CREATE TABLE exchanges (
    run_id        INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    request_id    INTEGER NOT NULL REFERENCES requests (id),
    url           TEXT NOT NULL,
    status        INTEGER,
    headers       TEXT NOT NULL,
    frames        BLOB NOT NULL,
    dropped_bytes INTEGER NOT NULL
) STRICT;

CREATE TABLE variants (
    message_id INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    position   INTEGER NOT NULL CHECK (position >= 0),
    run_id     INTEGER NOT NULL REFERENCES runs (id),
    PRIMARY KEY (message_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX variants_by_run ON variants (run_id);

CREATE TABLE sweeps (
    id         INTEGER PRIMARY KEY,
    uid        BLOB NOT NULL UNIQUE CHECK (length(uid) = 16),
    title      TEXT NOT NULL,
    plan       TEXT NOT NULL,
    begun_ms   INTEGER NOT NULL,
    deleted_ms INTEGER
) STRICT;
CREATE INDEX sweeps_by_time ON sweeps (begun_ms);

CREATE TABLE cells (
    sweep_id   INTEGER NOT NULL REFERENCES sweeps (id) ON DELETE CASCADE,
    number     INTEGER NOT NULL CHECK (number >= 0),
    labels     TEXT NOT NULL,
    request_id INTEGER NOT NULL REFERENCES requests (id),
    note       TEXT NOT NULL DEFAULT '',
    is_best    INTEGER NOT NULL DEFAULT 0 CHECK (is_best IN (0, 1)),
    PRIMARY KEY (sweep_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE samples (
    sweep_id INTEGER NOT NULL,
    cell     INTEGER NOT NULL,
    repeat   INTEGER NOT NULL CHECK (repeat >= 0),
    key      BLOB NOT NULL CHECK (length(key) = 16),
    run_id   INTEGER REFERENCES runs (id) ON DELETE SET NULL,
    PRIMARY KEY (sweep_id, cell, repeat),
    FOREIGN KEY (sweep_id, cell) REFERENCES cells (sweep_id, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX samples_by_key ON samples (key) WHERE run_id IS NOT NULL;
CREATE INDEX samples_by_run ON samples (run_id) WHERE run_id IS NOT NULL;
