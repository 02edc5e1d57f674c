-- A post may be for everybody, and carry pictures. '' is a direct message.
ALTER TABLE post ADD COLUMN visibility TEXT NOT NULL DEFAULT '';

-- Kept until the post that carries them is there, and no longer.
CREATE TABLE picture (
	post TEXT    NOT NULL REFERENCES post (key) ON DELETE CASCADE,
	nth  INTEGER NOT NULL,
	png  BLOB    NOT NULL,
	alt  TEXT    NOT NULL,
	PRIMARY KEY (post, nth)
);
