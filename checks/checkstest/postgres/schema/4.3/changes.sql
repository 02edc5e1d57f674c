-- What 4.3 adds to 4.2.

CREATE SEQUENCE notification_requests_id_seq;

ALTER TABLE accounts ADD attribution_domains varchar[] DEFAULT '{}';
ALTER TABLE email_domain_blocks ADD allow_with_approval boolean NOT NULL DEFAULT false;
ALTER TABLE preview_cards ADD author_account_id bigint;
ALTER TABLE reports ADD application_id bigint;
ALTER TABLE rules ADD hint text NOT NULL DEFAULT '';
ALTER TABLE status_stats ADD untrusted_favourites_count bigint, ADD untrusted_reblogs_count bigint;
ALTER TABLE users ADD otp_secret varchar;

ALTER TABLE notifications ADD filtered boolean NOT NULL DEFAULT false, ADD group_key varchar;
CREATE INDEX index_notifications_on_account_id_and_group_key ON notifications (account_id, group_key) WHERE group_key IS NOT NULL;
CREATE INDEX index_notifications_on_filtered ON notifications (account_id, id DESC, type) WHERE filtered = false;

CREATE TABLE notification_policies (
  id bigserial PRIMARY KEY,
  account_id bigint NOT NULL,
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  for_not_following integer NOT NULL DEFAULT 0,
  for_not_followers integer NOT NULL DEFAULT 0,
  for_new_accounts integer NOT NULL DEFAULT 0,
  for_private_mentions integer NOT NULL DEFAULT 1,
  for_limited_accounts integer NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX index_notification_policies_on_account_id ON notification_policies (account_id);

CREATE TABLE notification_requests (
  id bigint PRIMARY KEY DEFAULT timestamp_id('notification_requests'),
  account_id bigint NOT NULL,
  from_account_id bigint NOT NULL,
  last_status_id bigint,
  notifications_count bigint NOT NULL DEFAULT 0,
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);
CREATE UNIQUE INDEX index_notification_requests_on_account_id_and_from_account_id ON notification_requests (account_id, from_account_id);
CREATE INDEX index_notification_requests_on_from_account_id ON notification_requests (from_account_id);

CREATE TABLE relationship_severance_events (
  id bigserial PRIMARY KEY,
  type integer NOT NULL,
  target_name varchar NOT NULL,
  purged boolean NOT NULL DEFAULT false,
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);
CREATE INDEX index_relationship_severance_events_on_type_and_target_name ON relationship_severance_events (type, target_name);

DROP INDEX index_statuses_tags_on_tag_id_and_status_id;
ALTER TABLE statuses_tags ADD PRIMARY KEY (tag_id, status_id);
CREATE INDEX idx_on_account_id_language_sensitive_250461e1eb ON account_summaries (account_id, language, sensitive);
