-- What was said to the question that asked for it, as JSON: the same question,
-- handled again after a crash, is answered the same.
ALTER TABLE deed ADD COLUMN answer TEXT NOT NULL DEFAULT '';
