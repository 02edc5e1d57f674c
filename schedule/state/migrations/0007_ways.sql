-- What leaves by another way than the bot's home, frozen before the first attempt.
CREATE TABLE relay (
	key        TEXT PRIMARY KEY,
	kind       TEXT    NOT NULL,           -- alert, silence, maintenance, test
	way        TEXT    NOT NULL,           -- the only one it may take; '' takes the first that works
	title      TEXT    NOT NULL,
	text       TEXT    NOT NULL,
	lang       TEXT    NOT NULL,
	severity   INTEGER NOT NULL,
	state      TEXT    NOT NULL,           -- waiting, delivered, doubtful, refused
	tried      TEXT    NOT NULL,           -- JSON, by way: doubt (it may be there), no (not tried again)
	attempts   INTEGER NOT NULL DEFAULT 0,
	attempt_at BIGINT,                     -- begin of the newest attempt
	next_at    BIGINT  NOT NULL,
	created    BIGINT  NOT NULL,
	delivered  BIGINT,
	went       TEXT,                       -- the way that took it
	problem    TEXT
);

CREATE INDEX relay_waiting ON relay (created) WHERE state = 'waiting';

-- Which news went another way, and why.
CREATE TABLE relayed (
	alert  INTEGER NOT NULL REFERENCES alert (id),
	nth    INTEGER NOT NULL,               -- 0 is the news itself, 1 that nobody took it
	relay  TEXT    NOT NULL,
	reason TEXT    NOT NULL,
	PRIMARY KEY (alert, nth)
);

CREATE INDEX relayed_relay ON relayed (relay);

-- How each way stands.
CREATE TABLE way (
	name    TEXT PRIMARY KEY,
	tested  BIGINT,                        -- when a test message got through last
	asked   BIGINT,                        -- when the last test was begun
	worked  BIGINT,
	failed  BIGINT,                        -- since when it does not work
	problem TEXT
);
