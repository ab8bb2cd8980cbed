-- Pairs that were asked about again. bucket: of a lag's delay, as in latencies; else 0.
CREATE TABLE checks (
    endpoint  BIGINT NOT NULL,
    version   TEXT NOT NULL,
    signature BIGINT NOT NULL,
    finding   TEXT NOT NULL,
    bucket    BIGINT NOT NULL,
    pairs     BIGINT NOT NULL,
    PRIMARY KEY (endpoint, version, signature, finding, bucket)
);
CREATE INDEX checks_by_signature ON checks (signature);

-- What people asked to be sent again. subject: JSON. state: waiting, running, sent, done or failed.
CREATE TABLE rechecks (
    id         BIGINT PRIMARY KEY,
    subject    TEXT NOT NULL,
    cluster    BIGINT,
    state      TEXT NOT NULL,
    asked_at   BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    planned    BIGINT NOT NULL,
    sent       BIGINT NOT NULL,
    detail     TEXT NOT NULL
);
CREATE INDEX rechecks_by_cluster ON rechecks (cluster) WHERE cluster IS NOT NULL;

-- One row per exchange: it may come twice.
CREATE TABLE recheck_results (
    recheck  BIGINT NOT NULL,
    exchange BYTEA NOT NULL,
    control  BIGINT NOT NULL,
    verdict  TEXT NOT NULL,
    version  TEXT NOT NULL,
    PRIMARY KEY (recheck, exchange)
);

-- Clusters that were closed as fixed: since when, and by what.
CREATE TABLE fixes (
    cluster  BIGINT PRIMARY KEY,
    fixed_at BIGINT NOT NULL,
    reason   TEXT NOT NULL
);
