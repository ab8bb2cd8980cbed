-- Where a condition is counted, so that a reset of the endpoint forgets its counts; 0: unknown.
ALTER TABLE condition_counts ADD COLUMN endpoint INTEGER NOT NULL DEFAULT 0;
