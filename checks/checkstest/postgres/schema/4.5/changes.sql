-- What 4.5 adds to 4.4.

CREATE SEQUENCE quotes_id_seq;

ALTER TABLE accounts ADD following_url varchar NOT NULL DEFAULT '', ADD id_scheme integer DEFAULT 1;
ALTER TABLE fasp_providers ADD delivery_last_failed_at timestamp;
ALTER TABLE status_edits ADD quote_id bigint;
ALTER TABLE status_stats ADD quotes_count bigint NOT NULL DEFAULT 0;
ALTER TABLE statuses ADD quote_approval_policy integer NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD parent_status_id bigint, ADD parent_account_id bigint;
CREATE UNIQUE INDEX index_conversations_on_parent_status_id ON conversations (parent_status_id) WHERE parent_status_id IS NOT NULL;

CREATE TABLE quotes (
  id bigint PRIMARY KEY DEFAULT timestamp_id('quotes'),
  account_id bigint NOT NULL,
  status_id bigint NOT NULL,
  quoted_status_id bigint,
  quoted_account_id bigint,
  state integer NOT NULL DEFAULT 0,
  approval_uri varchar,
  activity_uri varchar,
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  legacy boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX index_quotes_on_activity_uri ON quotes (activity_uri) WHERE activity_uri IS NOT NULL;
CREATE UNIQUE INDEX index_quotes_on_status_id ON quotes (status_id);

CREATE TABLE username_blocks (
  id bigserial PRIMARY KEY,
  username varchar NOT NULL,
  normalized_username varchar NOT NULL,
  exact boolean NOT NULL DEFAULT false,
  allow_with_approval boolean NOT NULL DEFAULT false,
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);
CREATE UNIQUE INDEX index_username_blocks_on_username_lower_btree ON username_blocks (lower(username));
CREATE INDEX index_username_blocks_on_normalized_username ON username_blocks (normalized_username);
