-- What reviewers do with clusters: each change whole, so that it can be taken back.

-- Ticket addresses and other clusters (C-7) that belong to a cluster.
CREATE TABLE cluster_links (
    cluster  INTEGER NOT NULL,
    target   TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    PRIMARY KEY (cluster, target)
) STRICT, WITHOUT ROWID;

-- before, after: what people say of the cluster, as JSON. undone: by which later change.
CREATE TABLE cluster_changes (
    id      INTEGER PRIMARY KEY,
    cluster INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    actor   TEXT,
    what    TEXT NOT NULL,
    before  TEXT NOT NULL,
    after   TEXT NOT NULL,
    undone  INTEGER
) STRICT;
CREATE INDEX cluster_changes_by_cluster ON cluster_changes (cluster, id);

-- Why a cluster is accepted, and who answers for it.
ALTER TABLE acceptances ADD COLUMN reason TEXT;
ALTER TABLE acceptances ADD COLUMN owner TEXT;
