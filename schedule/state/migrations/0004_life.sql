-- What admins changed by mention: who, when, and until when it holds.
CREATE TABLE deed (
	id         INTEGER PRIMARY KEY,
	at         BIGINT  NOT NULL,
	admin      TEXT    NOT NULL,           -- acct, as it is configured
	what       TEXT    NOT NULL,           -- ack, unack, snooze, unsnooze, known, maintenance, over
	incident   INTEGER NOT NULL,           -- its row; 0 where it concerns none
	noticed    BIGINT  NOT NULL,           -- the incident's, for rows are used again
	check_name TEXT    NOT NULL,           -- '' where it concerns an incident, or everything
	severity   INTEGER NOT NULL,           -- the worst that it covers
	until      BIGINT,
	ended      BIGINT,                     -- when it held no more, if not by itself
	note       TEXT    NOT NULL,
	mention    TEXT    NOT NULL,           -- id of the notification that asked for it
	line       INTEGER NOT NULL,
	UNIQUE (mention, line, incident)
);

CREATE INDEX deed_holds ON deed (what) WHERE ended IS NULL;
CREATE INDEX deed_incident ON deed (incident);

-- An incident that comes and goes is told as that, since when.
ALTER TABLE incident ADD COLUMN unsteady BIGINT;
CREATE INDEX incident_history ON incident (check_name, opened) WHERE opened IS NOT NULL;

-- When an old message was deleted from the server.
ALTER TABLE post ADD COLUMN erased BIGINT;
CREATE INDEX post_old ON post (delivered) WHERE erased IS NULL;

-- The same alert may be told more than once: nth counts the reminders.
CREATE TABLE telling_nth (
	id     INTEGER PRIMARY KEY,
	alert  INTEGER NOT NULL REFERENCES alert (id),
	admin  TEXT    NOT NULL,               -- acct, as it is configured
	nth    INTEGER NOT NULL DEFAULT 0,     -- 0 is the news itself
	reason TEXT    NOT NULL,
	due    BIGINT,                         -- NULL while something else holds it
	state  TEXT    NOT NULL,               -- owed, frozen, delivered, dropped
	post   TEXT,
	told   BIGINT,
	UNIQUE (alert, admin, nth)
);

INSERT INTO telling_nth (id, alert, admin, nth, reason, due, state, post, told)
	SELECT id, alert, admin, 0, reason, due, state, post, told FROM telling;

DROP TABLE telling;
ALTER TABLE telling_nth RENAME TO telling;

CREATE INDEX telling_owed ON telling (due) WHERE state = 'owed';
CREATE INDEX telling_post ON telling (post) WHERE post IS NOT NULL;
