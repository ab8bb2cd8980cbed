-- Rules that users saved from the pages, and their word on volatile places.

-- A rule that was removed stays as a row: it can be put back, and what it hid names it.
CREATE TABLE rules (
    id         INTEGER PRIMARY KEY,
    doc        TEXT NOT NULL,
    owner      TEXT,
    reason     TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    expires_at INTEGER,
    removed_at INTEGER
) STRICT;

CREATE TABLE overruled (
    endpoint INTEGER NOT NULL,
    place    TEXT NOT NULL,
    path     TEXT NOT NULL,
    covers   TEXT NOT NULL,
    says     TEXT NOT NULL,
    owner    TEXT,
    reason   TEXT NOT NULL,
    said_at  INTEGER NOT NULL,
    PRIMARY KEY (endpoint, place, path, covers)
) STRICT, WITHOUT ROWID;

-- `GET /loans/L1?page=2`, redacted as in the view: lists of samples need not open it.
ALTER TABLE samples ADD COLUMN line TEXT;
