-- Fields of kept pairs, from which conditions are learnt. hash: of the exchange's number; the
-- smallest are kept, so that several comparators keep what one would. cells: postcard, redacted.
CREATE TABLE feature_rows (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    endpoint  INTEGER NOT NULL,
    version   TEXT NOT NULL,
    signature INTEGER NOT NULL,
    hash      INTEGER NOT NULL,
    minute    INTEGER NOT NULL,
    cells     BLOB NOT NULL
) STRICT;

-- Signatures whose mismatches have several clusters: how many of the kept rows each has. Where
-- causes meet in one pair, several have it.
CREATE TABLE shares (
    signature INTEGER NOT NULL,
    cluster   INTEGER NOT NULL,
    kept      INTEGER NOT NULL,
    kept_of   INTEGER NOT NULL,
    PRIMARY KEY (signature, cluster)
) STRICT, WITHOUT ROWID;

-- Pairs since a condition was published: those that meet it and differ so, only meet it, only
-- differ, neither.
CREATE TABLE condition_counts (
    condition INTEGER NOT NULL,
    version   TEXT NOT NULL,
    since     INTEGER NOT NULL,
    hits      INTEGER NOT NULL,
    spared    INTEGER NOT NULL,
    missed    INTEGER NOT NULL,
    others    INTEGER NOT NULL,
    PRIMARY KEY (condition, version)
) STRICT, WITHOUT ROWID;

-- features: the sample's own fields. home: its cluster, where its signature has several.
ALTER TABLE samples ADD COLUMN features BLOB;
ALTER TABLE samples ADD COLUMN home INTEGER;
