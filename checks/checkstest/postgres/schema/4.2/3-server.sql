-- Mastodon 4.2: moderation, other servers, the server itself.

CREATE TABLE reports (
  id bigserial PRIMARY KEY,
  status_ids bigint[] NOT NULL DEFAULT '{}',
  comment text NOT NULL DEFAULT '',
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  account_id bigint NOT NULL,
  action_taken_by_account_id bigint,
  target_account_id bigint NOT NULL,
  assigned_account_id bigint,
  uri varchar,
  forwarded boolean,
  category integer NOT NULL DEFAULT 0,
  action_taken_at timestamp,
  rule_ids bigint[]
);
CREATE INDEX index_reports_on_account_id ON reports (account_id);
CREATE INDEX index_reports_on_action_taken_by_account_id ON reports (action_taken_by_account_id) WHERE action_taken_by_account_id IS NOT NULL;
CREATE INDEX index_reports_on_assigned_account_id ON reports (assigned_account_id) WHERE assigned_account_id IS NOT NULL;
CREATE INDEX index_reports_on_target_account_id ON reports (target_account_id);

CREATE TABLE account_warnings (
  id bigserial PRIMARY KEY,
  account_id bigint,
  target_account_id bigint,
  action integer NOT NULL DEFAULT 0,
  text text NOT NULL DEFAULT '',
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  report_id bigint,
  status_ids varchar[],
  overruled_at timestamp
);
CREATE INDEX index_account_warnings_on_account_id ON account_warnings (account_id);
CREATE INDEX index_account_warnings_on_target_account_id ON account_warnings (target_account_id);

CREATE TABLE appeals (
  id bigserial PRIMARY KEY,
  account_id bigint NOT NULL,
  account_warning_id bigint NOT NULL,
  text text NOT NULL DEFAULT '',
  approved_at timestamp,
  approved_by_account_id bigint,
  rejected_at timestamp,
  rejected_by_account_id bigint,
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);
CREATE INDEX index_appeals_on_account_id ON appeals (account_id);
CREATE UNIQUE INDEX index_appeals_on_account_warning_id ON appeals (account_warning_id);
CREATE INDEX index_appeals_on_approved_by_account_id ON appeals (approved_by_account_id) WHERE approved_by_account_id IS NOT NULL;
CREATE INDEX index_appeals_on_rejected_by_account_id ON appeals (rejected_by_account_id) WHERE rejected_by_account_id IS NOT NULL;

CREATE TABLE rules (
  id bigserial PRIMARY KEY,
  priority integer NOT NULL DEFAULT 0,
  deleted_at timestamp,
  text text NOT NULL DEFAULT '',
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);

CREATE TABLE ip_blocks (
  id bigserial PRIMARY KEY,
  ip inet NOT NULL DEFAULT '0.0.0.0',
  severity integer NOT NULL DEFAULT 0,
  expires_at timestamp,
  comment text NOT NULL DEFAULT '',
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);
CREATE UNIQUE INDEX index_ip_blocks_on_ip ON ip_blocks (ip);

CREATE TABLE email_domain_blocks (id bigserial PRIMARY KEY, domain varchar NOT NULL DEFAULT '', created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'), parent_id bigint);
CREATE UNIQUE INDEX index_email_domain_blocks_on_domain ON email_domain_blocks (domain);

CREATE TABLE canonical_email_blocks (id bigserial PRIMARY KEY, canonical_email_hash varchar NOT NULL DEFAULT '', reference_account_id bigint, created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'));
CREATE UNIQUE INDEX index_canonical_email_blocks_on_canonical_email_hash ON canonical_email_blocks (canonical_email_hash);

CREATE TABLE domain_blocks (
  id bigserial PRIMARY KEY,
  domain varchar NOT NULL DEFAULT '',
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  severity integer DEFAULT 0,
  reject_media boolean NOT NULL DEFAULT false,
  reject_reports boolean NOT NULL DEFAULT false,
  private_comment text,
  public_comment text,
  obfuscate boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX index_domain_blocks_on_domain ON domain_blocks (domain);

CREATE TABLE domain_allows (id bigserial PRIMARY KEY, domain varchar NOT NULL DEFAULT '', created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'));
CREATE UNIQUE INDEX index_domain_allows_on_domain ON domain_allows (domain);

CREATE TABLE unavailable_domains (id bigserial PRIMARY KEY, domain varchar NOT NULL DEFAULT '', created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'));
CREATE UNIQUE INDEX index_unavailable_domains_on_domain ON unavailable_domains (domain);

CREATE TABLE relays (id bigserial PRIMARY KEY, inbox_url varchar NOT NULL DEFAULT '', follow_activity_id varchar, created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'), state integer NOT NULL DEFAULT 0);

CREATE TABLE settings (id bigserial PRIMARY KEY, var varchar NOT NULL, value text, thing_type varchar, created_at timestamp, updated_at timestamp, thing_id bigint);
CREATE UNIQUE INDEX index_settings_on_thing_type_and_thing_id_and_var ON settings (thing_type, thing_id, var);

CREATE TABLE software_updates (
  id bigserial PRIMARY KEY,
  version varchar NOT NULL,
  urgent boolean NOT NULL DEFAULT false,
  type integer NOT NULL DEFAULT 0,
  release_notes varchar NOT NULL DEFAULT '',
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);
CREATE UNIQUE INDEX index_software_updates_on_version ON software_updates (version);

CREATE TABLE backups (
  id bigserial PRIMARY KEY,
  user_id bigint,
  dump_file_name varchar,
  dump_content_type varchar,
  dump_updated_at timestamp,
  processed boolean NOT NULL DEFAULT false,
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  dump_file_size bigint
);

CREATE TABLE pghero_space_stats (id bigserial PRIMARY KEY, database text, schema text, relation text, size bigint, captured_at timestamp);
CREATE INDEX index_pghero_space_stats_on_database_and_captured_at ON pghero_space_stats (database, captured_at);

CREATE TABLE webhooks (
  id bigserial PRIMARY KEY,
  url varchar NOT NULL,
  events varchar[] NOT NULL DEFAULT '{}',
  secret varchar NOT NULL DEFAULT '',
  enabled boolean NOT NULL DEFAULT true,
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  template text
);
CREATE UNIQUE INDEX index_webhooks_on_url ON webhooks (url);

CREATE TABLE announcements (
  id bigserial PRIMARY KEY,
  text text NOT NULL DEFAULT '',
  published boolean NOT NULL DEFAULT false,
  all_day boolean NOT NULL DEFAULT false,
  scheduled_at timestamp,
  starts_at timestamp,
  ends_at timestamp,
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  published_at timestamp,
  status_ids bigint[]
);

CREATE TABLE announcement_reactions (
  id bigserial PRIMARY KEY,
  account_id bigint,
  announcement_id bigint,
  name varchar NOT NULL DEFAULT '',
  custom_emoji_id bigint,
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);
CREATE UNIQUE INDEX index_announcement_reactions_on_account_id_and_announcement_id ON announcement_reactions (account_id, announcement_id, name);
CREATE INDEX index_announcement_reactions_on_announcement_id ON announcement_reactions (announcement_id);

CREATE TABLE custom_emoji_categories (id bigserial PRIMARY KEY, name varchar, created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'));
CREATE UNIQUE INDEX index_custom_emoji_categories_on_name ON custom_emoji_categories (name);

CREATE TABLE custom_emojis (
  id bigserial PRIMARY KEY,
  shortcode varchar NOT NULL DEFAULT '',
  domain varchar,
  image_file_name varchar,
  image_content_type varchar,
  image_file_size integer,
  image_updated_at timestamp,
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  disabled boolean NOT NULL DEFAULT false,
  uri varchar,
  image_remote_url varchar,
  visible_in_picker boolean NOT NULL DEFAULT true,
  category_id bigint,
  image_storage_schema_version integer
);
CREATE UNIQUE INDEX index_custom_emojis_on_shortcode_and_domain ON custom_emojis (shortcode, domain);
