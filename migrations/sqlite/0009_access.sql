-- Who may see and change what, and who changed what.

-- password: an argon2 hash in PHC form. role: viewer or editor.
CREATE TABLE users (
    name       TEXT PRIMARY KEY,
    role       TEXT NOT NULL,
    password   TEXT NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;

-- Log-ins of users, by the hash of what the browser holds.
CREATE TABLE logins (
    hash       BLOB PRIMARY KEY,
    name       TEXT NOT NULL,
    begun_at   INTEGER NOT NULL,
    used_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX logins_by_name ON logins (name);

-- Failed log-ins in a row, of an account or from an address. until: no try is taken before.
CREATE TABLE login_failures (
    place    TEXT PRIMARY KEY,
    failures INTEGER NOT NULL,
    until    INTEGER NOT NULL
) STRICT;
CREATE INDEX login_failures_by_time ON login_failures (until);

-- Tokens of programs, by the hash of what they hold. scope: read, gate or write.
CREATE TABLE tokens (
    name       TEXT PRIMARY KEY,
    hash       BLOB NOT NULL UNIQUE,
    scope      TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    expires_at INTEGER,
    used_at    INTEGER
) STRICT;

-- Every change by people and programs. via: how the actor was known. before, after: JSON or NULL.
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    actor   TEXT NOT NULL,
    via     TEXT NOT NULL,
    address TEXT NOT NULL,
    action  TEXT NOT NULL,
    subject TEXT NOT NULL,
    before  TEXT,
    after   TEXT,
    folded  TEXT NOT NULL
) STRICT;
