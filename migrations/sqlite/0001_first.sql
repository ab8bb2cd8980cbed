-- Times are microseconds since the Unix epoch; documents are JSON text; truth values are 0 or 1.

CREATE TABLE endpoints (
    key         INTEGER PRIMARY KEY,
    method      TEXT NOT NULL,
    template    TEXT NOT NULL,
    slice       TEXT,
    merged_into INTEGER,
    first_seen  INTEGER NOT NULL
) STRICT;

CREATE TABLE signatures (
    key      INTEGER PRIMARY KEY,
    endpoint INTEGER NOT NULL,
    places   TEXT NOT NULL,
    matches  INTEGER NOT NULL,
    cluster  INTEGER
) STRICT;
CREATE INDEX signatures_by_endpoint ON signatures (endpoint);
CREATE INDEX signatures_by_cluster ON signatures (cluster) WHERE cluster IS NOT NULL;

-- Judged pairs. A signature belongs to one endpoint, so it leads the key.
CREATE TABLE counters (
    signature INTEGER NOT NULL,
    endpoint  INTEGER NOT NULL,
    version   TEXT NOT NULL,
    versus    TEXT NOT NULL,
    outcome   TEXT NOT NULL,
    minute    INTEGER NOT NULL,
    model     INTEGER NOT NULL,
    pairs     INTEGER NOT NULL,
    trials    INTEGER NOT NULL,
    PRIMARY KEY (signature, endpoint, version, versus, outcome, minute, model)
) STRICT, WITHOUT ROWID;

-- How many distinct trial keys an endpoint and version hold; the keys are in trials.
CREATE TABLE evidence (
    id       INTEGER PRIMARY KEY,
    endpoint INTEGER NOT NULL,
    version  TEXT NOT NULL,
    trials   INTEGER NOT NULL,
    UNIQUE (endpoint, version)
) STRICT;

CREATE TABLE trials (
    evidence INTEGER NOT NULL,
    key      INTEGER NOT NULL,
    PRIMARY KEY (evidence, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE latencies (
    endpoint INTEGER NOT NULL,
    version  TEXT NOT NULL,
    side     TEXT NOT NULL,
    bucket   INTEGER NOT NULL,
    answers  INTEGER NOT NULL,
    PRIMARY KEY (endpoint, version, side, bucket)
) STRICT, WITHOUT ROWID;

-- view: zstd of JSON, redacted. original: sealed bytes.
CREATE TABLE samples (
    endpoint    INTEGER NOT NULL,
    version     TEXT NOT NULL,
    signature   INTEGER NOT NULL,
    slot        INTEGER NOT NULL,
    exchange    BLOB NOT NULL,
    captured_at INTEGER NOT NULL,
    view        BLOB NOT NULL,
    original    BLOB NOT NULL,
    PRIMARY KEY (endpoint, version, signature, slot)
) STRICT;
CREATE INDEX samples_by_exchange ON samples (exchange);
CREATE INDEX samples_by_time ON samples (captured_at, exchange);
CREATE INDEX samples_by_signature ON samples (signature);

-- What became of settled exchanges besides the judged pairs: replayed, skipped, parked.
CREATE TABLE fates (
    fate      TEXT NOT NULL,
    version   TEXT NOT NULL,
    reason    TEXT NOT NULL,
    exchanges INTEGER NOT NULL,
    PRIMARY KEY (fate, version, reason)
) STRICT, WITHOUT ROWID;

-- Set aside, sealed. digest: of a whole message that nobody could open, which has no number by
-- which a second report of it would be known.
CREATE TABLE parked (
    id        INTEGER PRIMARY KEY,
    exchange  BLOB,
    reason    TEXT NOT NULL,
    detail    TEXT NOT NULL,
    parked_at INTEGER NOT NULL,
    sealed    BLOB NOT NULL,
    digest    BLOB UNIQUE
) STRICT;

-- The newest account of each tap epoch.
CREATE TABLE tap_epochs (
    epoch       INTEGER PRIMARY KEY,
    serial      INTEGER NOT NULL,
    taken_at    INTEGER NOT NULL,
    unhanded    INTEGER NOT NULL,
    sampled_out INTEGER NOT NULL,
    not_copied  TEXT NOT NULL,
    dropped     TEXT NOT NULL,
    closed      INTEGER NOT NULL,
    paused      INTEGER NOT NULL
) STRICT;

-- One row per tap epoch and partition: its newest account, the replayer's mark, and how far the
-- set of settled numbers is complete. serial is -1 until an account came.
CREATE TABLE partitions (
    epoch       INTEGER NOT NULL,
    partition   INTEGER NOT NULL,
    below_block INTEGER NOT NULL,
    mark        INTEGER NOT NULL,
    voids       INTEGER NOT NULL,
    serial      INTEGER NOT NULL,
    received    INTEGER NOT NULL,
    captured    INTEGER NOT NULL,
    dropped     TEXT NOT NULL,
    next_number INTEGER NOT NULL,
    PRIMARY KEY (epoch, partition)
) STRICT, WITHOUT ROWID;

-- 4,096 numbers each. Without a row a block is full below partitions.below_block and empty
-- from there on.
CREATE TABLE settled_blocks (
    epoch     INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    block     INTEGER NOT NULL,
    bits      BLOB NOT NULL,
    PRIMARY KEY (epoch, partition, block)
) STRICT, WITHOUT ROWID;

-- Writes that were about to be sent and are not settled yet.
CREATE TABLE begun_writes (
    epoch     INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    n         INTEGER NOT NULL,
    PRIMARY KEY (epoch, partition, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE models (
    number       INTEGER PRIMARY KEY,
    published_at INTEGER NOT NULL,
    doc          TEXT NOT NULL
) STRICT;

-- folded: words in lower case, for search.
CREATE TABLE clusters (
    id          INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL UNIQUE,
    endpoint    INTEGER NOT NULL,
    state       TEXT NOT NULL,
    owner       TEXT,
    note        TEXT,
    first_seen  INTEGER NOT NULL,
    doc         TEXT NOT NULL,
    words       TEXT NOT NULL,
    folded      TEXT NOT NULL
) STRICT;

CREATE TABLE versions (
    side       TEXT NOT NULL,
    version    TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    announced  INTEGER NOT NULL,
    PRIMARY KEY (side, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE leases (
    name       TEXT PRIMARY KEY,
    owner      TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
