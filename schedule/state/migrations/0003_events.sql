-- What happened and may explain something else.
CREATE TABLE event (
	host       TEXT   NOT NULL,
	check_name TEXT   NOT NULL,
	code       TEXT   NOT NULL,
	part       TEXT   NOT NULL,
	subject    TEXT   NOT NULL,
	at         BIGINT NOT NULL,
	text       TEXT   NOT NULL,            -- JSON
	PRIMARY KEY (host, check_name, code, subject, at)
);

CREATE INDEX event_at ON event (at);

-- Updates of the Mastodon that is watched: a silence, then a round of looks.
CREATE TABLE deployment (
	id      INTEGER PRIMARY KEY,
	began   BIGINT  NOT NULL,
	ends    BIGINT  NOT NULL,              -- of the silence
	version TEXT    NOT NULL,              -- '' while it is not known
	told    BIGINT                         -- when the round was told of
);

CREATE INDEX deployment_open ON deployment (ends) WHERE told IS NULL;
