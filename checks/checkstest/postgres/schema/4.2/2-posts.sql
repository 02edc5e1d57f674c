-- Mastodon 4.2: posts and what trends.

CREATE TABLE statuses (
  id bigint PRIMARY KEY DEFAULT timestamp_id('statuses'),
  uri varchar,
  text text NOT NULL DEFAULT '',
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  in_reply_to_id bigint,
  reblog_of_id bigint,
  url varchar,
  sensitive boolean NOT NULL DEFAULT false,
  visibility integer NOT NULL DEFAULT 0,
  spoiler_text text NOT NULL DEFAULT '',
  reply boolean NOT NULL DEFAULT false,
  language varchar,
  conversation_id bigint,
  local boolean,
  account_id bigint NOT NULL,
  application_id bigint,
  in_reply_to_account_id bigint,
  poll_id bigint,
  deleted_at timestamp,
  edited_at timestamp,
  trendable boolean,
  ordered_media_attachment_ids bigint[]
);
CREATE INDEX index_statuses_20190820 ON statuses (account_id, id DESC, visibility, updated_at) WHERE deleted_at IS NULL;
CREATE INDEX index_statuses_on_account_id ON statuses (account_id);
CREATE INDEX index_statuses_on_deleted_at ON statuses (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX index_statuses_local_20190824 ON statuses (id DESC, account_id) WHERE (local OR uri IS NULL) AND deleted_at IS NULL
  AND visibility = 0 AND reblog_of_id IS NULL AND (NOT reply OR in_reply_to_account_id = account_id);
CREATE INDEX index_statuses_public_20200119 ON statuses (id DESC, account_id) WHERE deleted_at IS NULL
  AND visibility = 0 AND reblog_of_id IS NULL AND (NOT reply OR in_reply_to_account_id = account_id);
CREATE INDEX index_statuses_on_in_reply_to_account_id ON statuses (in_reply_to_account_id) WHERE in_reply_to_account_id IS NOT NULL;
CREATE INDEX index_statuses_on_in_reply_to_id ON statuses (in_reply_to_id) WHERE in_reply_to_id IS NOT NULL;
CREATE INDEX index_statuses_on_reblog_of_id_and_account_id ON statuses (reblog_of_id, account_id);
CREATE UNIQUE INDEX index_statuses_on_uri ON statuses (uri text_pattern_ops) WHERE uri IS NOT NULL;

CREATE TABLE status_stats (
  id bigserial PRIMARY KEY,
  status_id bigint NOT NULL,
  replies_count bigint NOT NULL DEFAULT 0,
  reblogs_count bigint NOT NULL DEFAULT 0,
  favourites_count bigint NOT NULL DEFAULT 0,
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);
CREATE UNIQUE INDEX index_status_stats_on_status_id ON status_stats (status_id);

CREATE TABLE status_edits (
  id bigserial PRIMARY KEY,
  status_id bigint NOT NULL,
  account_id bigint,
  text text NOT NULL DEFAULT '',
  spoiler_text text NOT NULL DEFAULT '',
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  ordered_media_attachment_ids bigint[],
  media_descriptions text[],
  poll_options varchar[],
  sensitive boolean
);
CREATE INDEX index_status_edits_on_account_id ON status_edits (account_id);
CREATE INDEX index_status_edits_on_status_id ON status_edits (status_id);

CREATE TABLE scheduled_statuses (id bigserial PRIMARY KEY, account_id bigint, scheduled_at timestamp, params jsonb);
CREATE INDEX index_scheduled_statuses_on_account_id ON scheduled_statuses (account_id);
CREATE INDEX index_scheduled_statuses_on_scheduled_at ON scheduled_statuses (scheduled_at);

CREATE TABLE media_attachments (
  id bigint PRIMARY KEY DEFAULT timestamp_id('media_attachments'),
  status_id bigint,
  file_file_name varchar,
  file_content_type varchar,
  file_file_size integer,
  file_updated_at timestamp,
  remote_url varchar NOT NULL DEFAULT '',
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  shortcode varchar,
  type integer NOT NULL DEFAULT 0,
  file_meta json,
  account_id bigint,
  description text,
  scheduled_status_id bigint,
  blurhash varchar,
  processing integer,
  file_storage_schema_version integer,
  thumbnail_file_name varchar,
  thumbnail_content_type varchar,
  thumbnail_file_size integer,
  thumbnail_updated_at timestamp,
  thumbnail_remote_url varchar
);
CREATE INDEX index_media_attachments_on_account_id_and_status_id ON media_attachments (account_id, status_id DESC);
CREATE INDEX index_media_attachments_on_scheduled_status_id ON media_attachments (scheduled_status_id) WHERE scheduled_status_id IS NOT NULL;
CREATE UNIQUE INDEX index_media_attachments_on_shortcode ON media_attachments (shortcode text_pattern_ops) WHERE shortcode IS NOT NULL;
CREATE INDEX index_media_attachments_on_status_id ON media_attachments (status_id);

CREATE TABLE mentions (id bigserial PRIMARY KEY, status_id bigint, created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'), account_id bigint, silent boolean NOT NULL DEFAULT false);
CREATE UNIQUE INDEX index_mentions_on_account_id_and_status_id ON mentions (account_id, status_id);
CREATE INDEX index_mentions_on_status_id ON mentions (status_id);

CREATE TABLE favourites (id bigserial PRIMARY KEY, created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'), account_id bigint NOT NULL, status_id bigint NOT NULL);
CREATE INDEX index_favourites_on_account_id_and_id ON favourites (account_id, id);
CREATE UNIQUE INDEX index_favourites_on_account_id_and_status_id ON favourites (account_id, status_id);
CREATE INDEX index_favourites_on_status_id ON favourites (status_id);

CREATE TABLE notifications (
  id bigserial PRIMARY KEY,
  activity_id bigint NOT NULL,
  activity_type varchar NOT NULL,
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  account_id bigint NOT NULL,
  from_account_id bigint NOT NULL,
  type varchar
);
CREATE INDEX index_notifications_on_account_id_and_id_and_type ON notifications (account_id, id DESC, type);
CREATE INDEX index_notifications_on_activity_id_and_activity_type ON notifications (activity_id, activity_type);
CREATE INDEX index_notifications_on_from_account_id ON notifications (from_account_id);

CREATE TABLE conversations (id bigserial PRIMARY KEY, uri varchar, created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'));
CREATE UNIQUE INDEX index_conversations_on_uri ON conversations (uri text_pattern_ops) WHERE uri IS NOT NULL;

CREATE TABLE tombstones (id bigserial PRIMARY KEY, account_id bigint, uri varchar NOT NULL, created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'), by_moderator boolean);
CREATE INDEX index_tombstones_on_account_id ON tombstones (account_id);
CREATE INDEX index_tombstones_on_uri ON tombstones (uri);

CREATE TABLE tags (
  id bigserial PRIMARY KEY,
  name varchar NOT NULL DEFAULT '',
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  usable boolean,
  trendable boolean,
  listable boolean,
  reviewed_at timestamp,
  requested_review_at timestamp,
  last_status_at timestamp,
  max_score double precision,
  max_score_at timestamp,
  display_name varchar
);
CREATE UNIQUE INDEX index_tags_on_name_lower_btree ON tags (lower(name) text_pattern_ops);

CREATE TABLE statuses_tags (status_id bigint NOT NULL, tag_id bigint NOT NULL);
CREATE INDEX index_statuses_tags_on_status_id ON statuses_tags (status_id);
CREATE UNIQUE INDEX index_statuses_tags_on_tag_id_and_status_id ON statuses_tags (tag_id, status_id);

CREATE TABLE preview_cards (
  id bigserial PRIMARY KEY,
  url varchar NOT NULL DEFAULT '',
  title varchar NOT NULL DEFAULT '',
  description varchar NOT NULL DEFAULT '',
  image_file_name varchar,
  image_content_type varchar,
  image_file_size integer,
  image_updated_at timestamp,
  type integer NOT NULL DEFAULT 0,
  html text NOT NULL DEFAULT '',
  author_name varchar NOT NULL DEFAULT '',
  author_url varchar NOT NULL DEFAULT '',
  provider_name varchar NOT NULL DEFAULT '',
  provider_url varchar NOT NULL DEFAULT '',
  width integer NOT NULL DEFAULT 0,
  height integer NOT NULL DEFAULT 0,
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  embed_url varchar NOT NULL DEFAULT '',
  image_storage_schema_version integer,
  blurhash varchar,
  language varchar,
  max_score double precision,
  max_score_at timestamp,
  trendable boolean,
  link_type integer,
  published_at timestamp,
  image_description varchar NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX index_preview_cards_on_url ON preview_cards (url);

CREATE TABLE preview_cards_statuses (preview_card_id bigint NOT NULL, status_id bigint NOT NULL, url varchar, PRIMARY KEY (status_id, preview_card_id));

CREATE TABLE preview_card_providers (
  id bigserial PRIMARY KEY,
  domain varchar NOT NULL DEFAULT '',
  icon_file_name varchar,
  icon_content_type varchar,
  icon_file_size bigint,
  icon_updated_at timestamp,
  trendable boolean,
  reviewed_at timestamp,
  requested_review_at timestamp,
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);
CREATE UNIQUE INDEX index_preview_card_providers_on_domain ON preview_card_providers (domain);

CREATE TABLE preview_card_trends (
  id bigserial PRIMARY KEY,
  preview_card_id bigint NOT NULL,
  score double precision NOT NULL DEFAULT 0,
  rank integer NOT NULL DEFAULT 0,
  allowed boolean NOT NULL DEFAULT false,
  language varchar
);
CREATE UNIQUE INDEX index_preview_card_trends_on_preview_card_id ON preview_card_trends (preview_card_id);

CREATE TABLE status_trends (
  id bigserial PRIMARY KEY,
  status_id bigint NOT NULL,
  account_id bigint NOT NULL,
  score double precision NOT NULL DEFAULT 0,
  rank integer NOT NULL DEFAULT 0,
  allowed boolean NOT NULL DEFAULT false,
  language varchar
);
CREATE INDEX index_status_trends_on_account_id ON status_trends (account_id);
CREATE UNIQUE INDEX index_status_trends_on_status_id ON status_trends (status_id);
