-- What reviewers do with clusters: each change whole, so that it can be taken back.

-- Ticket addresses and other clusters (C-7) that belong to a cluster.
CREATE TABLE cluster_links (
    cluster  BIGINT NOT NULL,
    target   TEXT NOT NULL,
    added_at BIGINT NOT NULL,
    PRIMARY KEY (cluster, target)
);

-- before, after: what people say of the cluster, as JSON. undone: by which later change.
CREATE TABLE cluster_changes (
    id      BIGINT PRIMARY KEY,
    cluster BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    actor   TEXT,
    what    TEXT NOT NULL,
    before  TEXT NOT NULL,
    after   TEXT NOT NULL,
    undone  BIGINT
);
CREATE INDEX cluster_changes_by_cluster ON cluster_changes (cluster, id);

-- Why a cluster is accepted, and who answers for it.
ALTER TABLE acceptances ADD COLUMN reason TEXT;
ALTER TABLE acceptances ADD COLUMN owner TEXT;
