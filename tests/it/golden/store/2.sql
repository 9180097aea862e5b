PRAGMA application_id = 1953719152;
PRAGMA user_version = 2;
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
CREATE TABLE requests (
    id   INTEGER PRIMARY KEY,
    hash BLOB NOT NULL CHECK (length(hash) = 16),
    body TEXT NOT NULL
) STRICT;
CREATE INDEX requests_by_hash ON requests (hash);
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
CREATE TABLE attempts (
    run_id   INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    after_ns INTEGER NOT NULL,
    delay_ms INTEGER NOT NULL,
    fault    TEXT NOT NULL,
    PRIMARY KEY (run_id, position)
) STRICT, WITHOUT ROWID;
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
INSERT INTO conversations VALUES (1, X'00000000000000000000000000000000', '대화', '{}', NULL, NULL, 1, 2, NULL, NULL);
INSERT INTO messages VALUES (1, X'00000000000000000000000000000000', 1, 0, 'user', '안녕?', NULL, 1);
INSERT INTO messages VALUES (2, X'000102030405060708090A0B0C0D0E0F', 1, 1, 'assistant', NULL, 0, 2);
INSERT INTO requests VALUES (1, X'6825ADD7F629B0A3FF9B97485544EC4B', '{"endpoint":"sandbox","model":"sandbox-mini","messages":[{"role":"system","content":"be kind"},{"role":"user","content":"안녕 \"you\"?"}],"sampling":{"temperature":0.2,"top_logprobs":2},"stream":true}');
INSERT INTO requests VALUES (2, X'6297CD2CCABA9AB55A4465FCEAAE903F', '{"endpoint":"sandbox","model":"sandbox-mini","messages":[{"role":"system","content":"be kind"},{"role":"user","content":"안녕 \"you\"?"}],"sampling":{"temperature":0.6,"top_logprobs":2},"stream":true}');
INSERT INTO requests VALUES (3, X'0AE6A590765F3E866F00D4CD78EF8A54', '{"endpoint":"sandbox","model":"sandbox-mini","messages":[{"role":"system","content":"be kind"},{"role":"user","content":"안녕 \"you\"?"}],"sampling":{"temperature":1.0,"top_logprobs":2},"stream":true}');
INSERT INTO requests VALUES (4, X'3E318576994FF78DD36078CB3B1AC700', '{"n":1}');
INSERT INTO runs VALUES (1, X'FFFFFFFFFFFFFFFE0000000000000009', 1, 'sandbox', 'sandbox-mini', 5, 'done', 'pause_turn', NULL, '안녕!', '음', 2, 20, 4, 3, 1, NULL, -0.6505863833333333, 2, 0.25, 20000000, 26000000, 52000000, 'm-2026', 'r1');
INSERT INTO attempts VALUES (1, 0, 1, 10000000, 10, '{"kind":"rate_limited","message":"busy","remedy":"wait"}');
INSERT INTO tokens VALUES (1, X'010002020DEC958810F9AD900F19EB8BA4EBA5B800010211EB85952118D5AA81AAE2F4F50519EB8BA4EBA5B80001');
INSERT INTO exchanges VALUES (1, 4, 'http://h/v1', 200, '[["x-request-id","r1"]]', X'0102E0C65B0EC09A0C0614AB564ACEC8CF4C4E2D56B28A8EAD8D76F1F7738D0500', 0);
INSERT INTO variants VALUES (2, 0, 1);
INSERT INTO sweeps VALUES (1, X'FFFFFFFFFFFFFFFE0000000000000001', '인사', 'prompt = "안녕?"
', 1790000000000, NULL);
INSERT INTO cells VALUES (1, 0, '["0.2"]', 1, '', 0);
INSERT INTO cells VALUES (1, 1, '["0.6"]', 2, '', 0);
INSERT INTO cells VALUES (1, 2, '["1.0"]', 3, '', 0);
INSERT INTO samples VALUES (1, 0, 0, X'6001A31385F203CE6AFDED2C395C95A4', 1);
INSERT INTO samples VALUES (1, 0, 1, X'C181C4D89B29A0BCDDB95F41A4ECBA11', NULL);
INSERT INTO samples VALUES (1, 1, 0, X'C4B5CC570C9A88DE2D9D554DF6B063C8', NULL);
INSERT INTO samples VALUES (1, 1, 1, X'E2231A00582BDD185521DA5AD0F58B75', NULL);
INSERT INTO samples VALUES (1, 2, 0, X'ED82B8FB1ACE3CE507B55CE46572F3FB', NULL);
INSERT INTO samples VALUES (1, 2, 1, X'4F559A22FB8F41B2245FD9ACD24184E6', NULL);
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
INSERT INTO asides VALUES (1, 2, 0, '{"parent":1,"at":3,"means":"prefill","verification":{"parted":{"byte":7,"token":2}},"inherited":2}', 1);
