-- The status that a question answers: it says which incident is meant.
ALTER TABLE mention ADD COLUMN parent TEXT NOT NULL DEFAULT '';
