-- What a gate needs beside counters.

-- Trials by what the primary answered: its status and, where place is not empty, the value of
-- one place of its answer that holds one of few values.
CREATE TABLE strata (
    endpoint INTEGER NOT NULL,
    version  TEXT NOT NULL,
    status   INTEGER NOT NULL,
    place    TEXT NOT NULL,
    value    TEXT NOT NULL,
    trials   INTEGER NOT NULL,
    PRIMARY KEY (endpoint, version, status, place, value)
) STRICT, WITHOUT ROWID;

-- Pairs by the candidate's time divided by the primary's: 1.05^bucket up to 1.05^(bucket+1).
CREATE TABLE ratios (
    endpoint INTEGER NOT NULL,
    version  TEXT NOT NULL,
    bucket   INTEGER NOT NULL,
    pairs    INTEGER NOT NULL,
    PRIMARY KEY (endpoint, version, bucket)
) STRICT, WITHOUT ROWID;

-- Under which condition (JSON, NULL: any) and until when (NULL: for good) a cluster is accepted.
CREATE TABLE acceptances (
    cluster     INTEGER PRIMARY KEY,
    condition   TEXT,
    accepted_at INTEGER NOT NULL,
    expires_at  INTEGER
) STRICT;

-- Whether a signature matches only because a rule of the configuration hides what differs.
ALTER TABLE signatures ADD COLUMN masked INTEGER NOT NULL DEFAULT 0;
