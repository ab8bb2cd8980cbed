-- Samples of one version, newest first, and how many there are.
CREATE INDEX samples_by_version ON samples (version, captured_at, exchange);
