-- What the primary's answers said last of each thing they name. name, alias: keyed hashes of kind
-- and id, and of an id that is like no other. fields: postcard, redacted.
CREATE TABLE facts (
    name       BLOB PRIMARY KEY,
    alias      BLOB,
    kind       TEXT NOT NULL,
    at         INTEGER NOT NULL,
    fields     BLOB NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX facts_by_time ON facts (updated_at);

-- near: the condition that a matching pair misses by one term, where it is kept for that alone.
ALTER TABLE feature_rows ADD COLUMN near INTEGER;
