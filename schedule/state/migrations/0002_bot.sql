CREATE TABLE admin (
	account_id TEXT PRIMARY KEY,
	acct       TEXT   NOT NULL UNIQUE,
	handle     TEXT   NOT NULL,            -- how to mention them
	resolved   BIGINT NOT NULL,
	follows    INTEGER
);

-- Who hears of an alert, when, and why.
CREATE TABLE telling (
	id     INTEGER PRIMARY KEY,
	alert  INTEGER NOT NULL REFERENCES alert (id),
	admin  TEXT    NOT NULL,               -- acct, as it is configured
	reason TEXT    NOT NULL,
	due    BIGINT,
	state  TEXT    NOT NULL,               -- owed, frozen, delivered, dropped
	post   TEXT,
	told   BIGINT,
	UNIQUE (alert, admin)
);

CREATE INDEX telling_owed ON telling (due) WHERE state = 'owed';
CREATE INDEX telling_post ON telling (post) WHERE post IS NOT NULL;

-- What is sent, frozen before the first attempt.
CREATE TABLE post (
	key              TEXT PRIMARY KEY,
	kind             TEXT    NOT NULL,     -- alert, reply, note
	channel          TEXT    NOT NULL,
	admin            TEXT    NOT NULL,
	recipient_id     TEXT    NOT NULL,
	recipient_handle TEXT    NOT NULL,
	parent           TEXT,                 -- id of the status to answer
	lang             TEXT    NOT NULL,
	severity         INTEGER NOT NULL,
	parts            TEXT    NOT NULL,     -- JSON: the texts
	ids              TEXT    NOT NULL,     -- JSON: status ids of the parts delivered
	state            TEXT    NOT NULL,     -- waiting, delivered, refused
	attempts         INTEGER NOT NULL DEFAULT 0,
	attempt_at       BIGINT,               -- begin of an attempt that has not ended yet
	next_at          BIGINT  NOT NULL,
	created          BIGINT  NOT NULL,
	delivered        BIGINT,
	problem          TEXT
);

CREATE INDEX post_waiting ON post (next_at) WHERE state = 'waiting';

CREATE TABLE mention (
	id         TEXT PRIMARY KEY,           -- of the notification
	status_id  TEXT   NOT NULL,
	account_id TEXT   NOT NULL,
	text       TEXT   NOT NULL,
	received   BIGINT NOT NULL,
	state      TEXT   NOT NULL,            -- new, answered, ignored
	post       TEXT
);

CREATE INDEX mention_state ON mention (state, received);

CREATE TABLE cursor (
	name  TEXT PRIMARY KEY,
	value TEXT NOT NULL
);
