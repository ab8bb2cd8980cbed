-- Pairs that were asked about again. bucket: of a lag's delay, as in latencies; else 0.
CREATE TABLE checks (
    endpoint  INTEGER NOT NULL,
    version   TEXT NOT NULL,
    signature INTEGER NOT NULL,
    finding   TEXT NOT NULL,
    bucket    INTEGER NOT NULL,
    pairs     INTEGER NOT NULL,
    PRIMARY KEY (endpoint, version, signature, finding, bucket)
) STRICT, WITHOUT ROWID;
CREATE INDEX checks_by_signature ON checks (signature);

-- What people asked to be sent again. subject: JSON. state: waiting, running, sent, done or failed.
CREATE TABLE rechecks (
    id         INTEGER PRIMARY KEY,
    subject    TEXT NOT NULL,
    cluster    INTEGER,
    state      TEXT NOT NULL,
    asked_at   INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    planned    INTEGER NOT NULL,
    sent       INTEGER NOT NULL,
    detail     TEXT NOT NULL
) STRICT;
CREATE INDEX rechecks_by_cluster ON rechecks (cluster) WHERE cluster IS NOT NULL;

-- One row per exchange: it may come twice.
CREATE TABLE recheck_results (
    recheck  INTEGER NOT NULL,
    exchange BLOB NOT NULL,
    control  INTEGER NOT NULL,
    verdict  TEXT NOT NULL,
    version  TEXT NOT NULL,
    PRIMARY KEY (recheck, exchange)
) STRICT, WITHOUT ROWID;

-- Clusters that were closed as fixed: since when, and by what.
CREATE TABLE fixes (
    cluster  INTEGER PRIMARY KEY,
    fixed_at INTEGER NOT NULL,
    reason   TEXT NOT NULL
) STRICT;
