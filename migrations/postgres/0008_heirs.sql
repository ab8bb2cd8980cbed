-- The cluster that has the mismatches of this one now: its id leads there.
ALTER TABLE clusters ADD COLUMN merged_into BIGINT;
