-- What the sides made differently. name: a keyed hash of session, entity and the primary's value.
-- Shown as it stands here, credentials as tokens; sealed holds the values themselves.
CREATE TABLE remembered (
    side       TEXT NOT NULL,
    name       BYTEA NOT NULL,
    entity     TEXT NOT NULL,
    here       TEXT NOT NULL,
    there      TEXT,
    secret     BIGINT NOT NULL,
    everywhere BIGINT NOT NULL,
    sealed     BYTEA NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (side, name)
);
CREATE INDEX remembered_by_time ON remembered (updated_at);

-- The processes that share a lane's partitions.
CREATE TABLE members (
    lane       TEXT NOT NULL,
    member     TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (lane, member)
);
