-- Times are unix milliseconds, UTC. A host of '' is the whole installation.
-- BIGINT and DOUBLE PRECISION are SQLite's INTEGER and REAL, and say on
-- PostgreSQL how wide they have to be.

CREATE TABLE meta (
	key   TEXT PRIMARY KEY,
	value TEXT NOT NULL
);

-- The last look of every check.
CREATE TABLE look (
	host       TEXT    NOT NULL,
	check_name TEXT    NOT NULL,
	started    BIGINT  NOT NULL,
	finished   BIGINT  NOT NULL,
	severity   INTEGER NOT NULL,
	result     TEXT    NOT NULL,           -- JSON
	good       INTEGER NOT NULL DEFAULT 0, -- looks that saw something so far
	last_good  BIGINT,
	PRIMARY KEY (host, check_name)
);

-- What a check wants back at its next look.
CREATE TABLE remember (
	host       TEXT NOT NULL,
	check_name TEXT NOT NULL,
	key        TEXT NOT NULL,
	value      BLOB NOT NULL,
	PRIMARY KEY (host, check_name, key)
);

CREATE TABLE incident (
	id         INTEGER PRIMARY KEY,
	number     INTEGER UNIQUE,             -- the short #12, from when it opens
	host       TEXT    NOT NULL,
	check_name TEXT    NOT NULL,
	code       TEXT    NOT NULL,
	subject    TEXT    NOT NULL,
	phase      TEXT    NOT NULL,           -- pending, open, resolved
	severity   INTEGER NOT NULL,
	road       INTEGER NOT NULL,
	harm       BIGINT,
	finding    TEXT    NOT NULL,           -- JSON of the last one
	bad        INTEGER NOT NULL DEFAULT 0, -- looks in a row
	critical   INTEGER NOT NULL DEFAULT 0,
	good       INTEGER NOT NULL DEFAULT 0,
	calm       INTEGER NOT NULL DEFAULT 0,
	unseen     INTEGER NOT NULL DEFAULT 0,
	noticed    BIGINT  NOT NULL,
	opened     BIGINT,
	last_seen  BIGINT  NOT NULL,
	changed    BIGINT  NOT NULL,
	good_since BIGINT,
	resolved   BIGINT
);

-- One key has one incident at a time.
CREATE UNIQUE INDEX incident_key ON incident (host, check_name, code, subject) WHERE phase <> 'resolved';
CREATE INDEX incident_open ON incident (severity, opened) WHERE phase = 'open';
CREATE INDEX incident_resolved ON incident (resolved) WHERE phase = 'resolved';

-- The news of a change, owed from the transaction that made it.
CREATE TABLE alert (
	id       INTEGER PRIMARY KEY,
	incident INTEGER NOT NULL REFERENCES incident (id),
	change   TEXT    NOT NULL,             -- opened, worse, eased, resolved
	severity INTEGER NOT NULL,
	road     INTEGER NOT NULL,
	harm     BIGINT,
	finding  TEXT    NOT NULL,             -- JSON, as it was at that moment
	at       BIGINT  NOT NULL,
	expanded INTEGER NOT NULL DEFAULT 0
);

CREATE INDEX alert_incident ON alert (incident);
CREATE INDEX alert_owed ON alert (id) WHERE expanded = 0;

-- What could not be seen, and whether it had ever been.
CREATE TABLE sight (
	host        TEXT    NOT NULL,
	check_name  TEXT    NOT NULL,
	code        TEXT    NOT NULL,
	subject     TEXT    NOT NULL,
	worked      INTEGER NOT NULL DEFAULT 0,
	blind_since BIGINT,
	looks       INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (host, check_name, code, subject)
);

CREATE TABLE series (
	id         INTEGER PRIMARY KEY,
	host       TEXT NOT NULL,
	check_name TEXT NOT NULL,
	name       TEXT NOT NULL,
	subject    TEXT NOT NULL,
	unit       TEXT NOT NULL,
	UNIQUE (host, check_name, name, subject)
);

-- Measures as they were taken, for a fortnight.
CREATE TABLE sample (
	series INTEGER          NOT NULL,
	at     BIGINT           NOT NULL,
	value  DOUBLE PRECISION NOT NULL,
	PRIMARY KEY (series, at)
) WITHOUT ROWID;

-- What is left of them afterwards. The hour is when it begins.
CREATE TABLE hourly (
	series INTEGER          NOT NULL,
	hour   BIGINT           NOT NULL,
	n      INTEGER          NOT NULL,
	low    DOUBLE PRECISION NOT NULL,      -- the least
	mid    DOUBLE PRECISION NOT NULL,      -- the median
	high   DOUBLE PRECISION NOT NULL,      -- the greatest
	PRIMARY KEY (series, hour)
) WITHOUT ROWID;
