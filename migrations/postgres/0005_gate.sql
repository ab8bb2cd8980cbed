-- What a gate needs beside counters.

-- Trials by what the primary answered: its status and, where place is not empty, the value of
-- one place of its answer that holds one of few values.
CREATE TABLE strata (
    endpoint BIGINT NOT NULL,
    version  TEXT NOT NULL,
    status   BIGINT NOT NULL,
    place    TEXT NOT NULL,
    value    TEXT NOT NULL,
    trials   BIGINT NOT NULL,
    PRIMARY KEY (endpoint, version, status, place, value)
);

-- Pairs by the candidate's time divided by the primary's: 1.05^bucket up to 1.05^(bucket+1).
CREATE TABLE ratios (
    endpoint BIGINT NOT NULL,
    version  TEXT NOT NULL,
    bucket   BIGINT NOT NULL,
    pairs    BIGINT NOT NULL,
    PRIMARY KEY (endpoint, version, bucket)
);

-- Under which condition (JSON, NULL: any) and until when (NULL: for good) a cluster is accepted.
CREATE TABLE acceptances (
    cluster     BIGINT PRIMARY KEY,
    condition   TEXT,
    accepted_at BIGINT NOT NULL,
    expires_at  BIGINT
);

-- Whether a signature matches only because a rule of the configuration hides what differs.
ALTER TABLE signatures ADD COLUMN masked BIGINT NOT NULL DEFAULT 0;
