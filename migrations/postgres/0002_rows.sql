-- Fields of kept pairs, from which conditions are learnt. hash: of the exchange's number; the
-- smallest are kept, so that several comparators keep what one would. cells: postcard, redacted.
CREATE TABLE feature_rows (
    id        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    endpoint  BIGINT NOT NULL,
    version   TEXT NOT NULL,
    signature BIGINT NOT NULL,
    hash      BIGINT NOT NULL,
    minute    BIGINT NOT NULL,
    cells     BYTEA NOT NULL
);

-- Signatures whose mismatches have several clusters: how many of the kept rows each has. Where
-- causes meet in one pair, several have it.
CREATE TABLE shares (
    signature BIGINT NOT NULL,
    cluster   BIGINT NOT NULL,
    kept      BIGINT NOT NULL,
    kept_of   BIGINT NOT NULL,
    PRIMARY KEY (signature, cluster)
);

-- Pairs since a condition was published: those that meet it and differ so, only meet it, only
-- differ, neither.
CREATE TABLE condition_counts (
    condition BIGINT NOT NULL,
    version   TEXT NOT NULL,
    since     BIGINT NOT NULL,
    hits      BIGINT NOT NULL,
    spared    BIGINT NOT NULL,
    missed    BIGINT NOT NULL,
    others    BIGINT NOT NULL,
    PRIMARY KEY (condition, version)
);

-- features: the sample's own fields. home: its cluster, where its signature has several.
ALTER TABLE samples ADD COLUMN features BYTEA;
ALTER TABLE samples ADD COLUMN home BIGINT;
