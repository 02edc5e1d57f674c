-- What 4.6 adds to 4.5.

ALTER TABLE accounts ADD feature_approval_policy integer NOT NULL DEFAULT 0;
ALTER TABLE preview_cards ADD image_remote_url varchar;
CREATE INDEX index_follows_on_target_account_id_and_account_id ON follows (target_account_id, account_id);
DROP INDEX index_follows_on_target_account_id;
CREATE INDEX index_statuses_on_conversation_id ON statuses (conversation_id);

CREATE TABLE collections (
  id bigserial PRIMARY KEY,
  account_id bigint NOT NULL,
  name varchar NOT NULL,
  description text NOT NULL,
  uri varchar,
  local boolean NOT NULL,
  sensitive boolean NOT NULL,
  discoverable boolean NOT NULL,
  tag_id bigint,
  original_number_of_items integer,
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  item_count integer NOT NULL DEFAULT 0
);
CREATE INDEX index_collections_on_account_id ON collections (account_id);
CREATE INDEX index_collections_on_tag_id ON collections (tag_id);

CREATE TABLE collection_items (
  id bigserial PRIMARY KEY,
  collection_id bigint NOT NULL,
  account_id bigint,
  position integer NOT NULL DEFAULT 1,
  object_uri varchar,
  approval_uri varchar,
  activity_uri varchar,
  approval_last_verified_at timestamp,
  state integer NOT NULL DEFAULT 0,
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);
CREATE INDEX index_collection_items_on_account_id ON collection_items (account_id);
CREATE INDEX index_collection_items_on_collection_id ON collection_items (collection_id);
