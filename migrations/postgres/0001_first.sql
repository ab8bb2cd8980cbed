-- Times are microseconds since the Unix epoch; documents are JSON text; truth values are 0 or 1.

CREATE TABLE endpoints (
    key         BIGINT PRIMARY KEY,
    method      TEXT NOT NULL,
    template    TEXT NOT NULL,
    slice       TEXT,
    merged_into BIGINT,
    first_seen  BIGINT NOT NULL
);

CREATE TABLE signatures (
    key      BIGINT PRIMARY KEY,
    endpoint BIGINT NOT NULL,
    places   TEXT NOT NULL,
    matches  BIGINT NOT NULL,
    cluster  BIGINT
);
CREATE INDEX signatures_by_endpoint ON signatures (endpoint);
CREATE INDEX signatures_by_cluster ON signatures (cluster) WHERE cluster IS NOT NULL;

-- Judged pairs. A signature belongs to one endpoint, so it leads the key.
CREATE TABLE counters (
    signature BIGINT NOT NULL,
    endpoint  BIGINT NOT NULL,
    version   TEXT NOT NULL,
    versus    TEXT NOT NULL,
    outcome   TEXT NOT NULL,
    minute    BIGINT NOT NULL,
    model     BIGINT NOT NULL,
    pairs     BIGINT NOT NULL,
    trials    BIGINT NOT NULL,
    PRIMARY KEY (signature, endpoint, version, versus, outcome, minute, model)
);

-- How many distinct trial keys an endpoint and version hold; the keys are in trials.
CREATE TABLE evidence (
    id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    endpoint BIGINT NOT NULL,
    version  TEXT NOT NULL,
    trials   BIGINT NOT NULL,
    UNIQUE (endpoint, version)
);

CREATE TABLE trials (
    evidence BIGINT NOT NULL,
    key      BIGINT NOT NULL,
    PRIMARY KEY (evidence, key)
);

CREATE TABLE latencies (
    endpoint BIGINT NOT NULL,
    version  TEXT NOT NULL,
    side     TEXT NOT NULL,
    bucket   BIGINT NOT NULL,
    answers  BIGINT NOT NULL,
    PRIMARY KEY (endpoint, version, side, bucket)
);

-- view: zstd of JSON, redacted. original: sealed bytes.
CREATE TABLE samples (
    endpoint    BIGINT NOT NULL,
    version     TEXT NOT NULL,
    signature   BIGINT NOT NULL,
    slot        BIGINT NOT NULL,
    exchange    BYTEA NOT NULL,
    captured_at BIGINT NOT NULL,
    view        BYTEA NOT NULL,
    original    BYTEA NOT NULL,
    PRIMARY KEY (endpoint, version, signature, slot)
);
CREATE INDEX samples_by_exchange ON samples (exchange);
CREATE INDEX samples_by_time ON samples (captured_at, exchange);
CREATE INDEX samples_by_signature ON samples (signature);

-- What became of settled exchanges besides the judged pairs: replayed, skipped, parked.
CREATE TABLE fates (
    fate      TEXT NOT NULL,
    version   TEXT NOT NULL,
    reason    TEXT NOT NULL,
    exchanges BIGINT NOT NULL,
    PRIMARY KEY (fate, version, reason)
);

-- Set aside, sealed. digest: of a whole message that nobody could open, which has no number by
-- which a second report of it would be known.
CREATE TABLE parked (
    id        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    exchange  BYTEA,
    reason    TEXT NOT NULL,
    detail    TEXT NOT NULL,
    parked_at BIGINT NOT NULL,
    sealed    BYTEA NOT NULL,
    digest    BYTEA UNIQUE
);

-- The newest account of each tap epoch.
CREATE TABLE tap_epochs (
    epoch       BIGINT PRIMARY KEY,
    serial      BIGINT NOT NULL,
    taken_at    BIGINT NOT NULL,
    unhanded    BIGINT NOT NULL,
    sampled_out BIGINT NOT NULL,
    not_copied  TEXT NOT NULL,
    dropped     TEXT NOT NULL,
    closed      BIGINT NOT NULL,
    paused      BIGINT NOT NULL
);

-- One row per tap epoch and partition: its newest account, the replayer's mark, and how far the
-- set of settled numbers is complete. serial is -1 until an account came.
CREATE TABLE partitions (
    epoch       BIGINT NOT NULL,
    partition   BIGINT NOT NULL,
    below_block BIGINT NOT NULL,
    mark        BIGINT NOT NULL,
    voids       BIGINT NOT NULL,
    serial      BIGINT NOT NULL,
    received    BIGINT NOT NULL,
    captured    BIGINT NOT NULL,
    dropped     TEXT NOT NULL,
    next_number BIGINT NOT NULL,
    PRIMARY KEY (epoch, partition)
);

-- 4,096 numbers each. Without a row a block is full below partitions.below_block and empty
-- from there on.
CREATE TABLE settled_blocks (
    epoch     BIGINT NOT NULL,
    partition BIGINT NOT NULL,
    block     BIGINT NOT NULL,
    bits      BYTEA NOT NULL,
    PRIMARY KEY (epoch, partition, block)
);

-- Writes that were about to be sent and are not settled yet.
CREATE TABLE begun_writes (
    epoch     BIGINT NOT NULL,
    partition BIGINT NOT NULL,
    n         BIGINT NOT NULL,
    PRIMARY KEY (epoch, partition, n)
);

CREATE TABLE models (
    number       BIGINT PRIMARY KEY,
    published_at BIGINT NOT NULL,
    doc          TEXT NOT NULL
);

-- folded: words in lower case, for search.
CREATE TABLE clusters (
    id          BIGINT PRIMARY KEY,
    fingerprint TEXT NOT NULL UNIQUE,
    endpoint    BIGINT NOT NULL,
    state       TEXT NOT NULL,
    owner       TEXT,
    note        TEXT,
    first_seen  BIGINT NOT NULL,
    doc         TEXT NOT NULL,
    words       TEXT NOT NULL,
    folded      TEXT NOT NULL
);

CREATE TABLE versions (
    side       TEXT NOT NULL,
    version    TEXT NOT NULL,
    first_seen BIGINT NOT NULL,
    announced  BIGINT NOT NULL,
    PRIMARY KEY (side, version)
);

CREATE TABLE leases (
    name       TEXT PRIMARY KEY,
    owner      TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
