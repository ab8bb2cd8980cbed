-- What the primary's answers said last of each thing they name. name, alias: keyed hashes of kind
-- and id, and of an id that is like no other. fields: postcard, redacted.
CREATE TABLE facts (
    name       BYTEA PRIMARY KEY,
    alias      BYTEA,
    kind       TEXT NOT NULL,
    at         BIGINT NOT NULL,
    fields     BYTEA NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX facts_by_time ON facts (updated_at);

-- near: the condition that a matching pair misses by one term, where it is kept for that alone.
ALTER TABLE feature_rows ADD COLUMN near BIGINT;
