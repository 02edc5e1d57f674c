-- Mastodon 4.2: the tables, views and indexes that checks may read. People first.

CREATE FUNCTION timestamp_id(table_name text) RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT (floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint << 16) | (nextval(table_name || '_id_seq') & 65535)
$$;
CREATE SEQUENCE accounts_id_seq;
CREATE SEQUENCE statuses_id_seq;
CREATE SEQUENCE media_attachments_id_seq;

CREATE TABLE schema_migrations (version varchar PRIMARY KEY);
CREATE TABLE ar_internal_metadata (key varchar PRIMARY KEY, value varchar, created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'));

CREATE TABLE accounts (
  id bigint PRIMARY KEY DEFAULT timestamp_id('accounts'),
  username varchar NOT NULL DEFAULT '',
  domain varchar,
  private_key text,
  public_key text NOT NULL DEFAULT '',
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  note text NOT NULL DEFAULT '',
  display_name varchar NOT NULL DEFAULT '',
  uri varchar NOT NULL DEFAULT '',
  url varchar,
  avatar_file_name varchar,
  avatar_file_size integer,
  avatar_remote_url varchar,
  header_file_name varchar,
  header_file_size integer,
  header_remote_url varchar NOT NULL DEFAULT '',
  locked boolean NOT NULL DEFAULT false,
  last_webfingered_at timestamp,
  inbox_url varchar NOT NULL DEFAULT '',
  outbox_url varchar NOT NULL DEFAULT '',
  shared_inbox_url varchar NOT NULL DEFAULT '',
  followers_url varchar NOT NULL DEFAULT '',
  protocol integer NOT NULL DEFAULT 0,
  memorial boolean NOT NULL DEFAULT false,
  moved_to_account_id bigint,
  featured_collection_url varchar,
  fields jsonb,
  actor_type varchar,
  discoverable boolean,
  also_known_as varchar[],
  silenced_at timestamp,
  suspended_at timestamp,
  hide_collections boolean,
  sensitized_at timestamp,
  suspension_origin integer,
  trendable boolean,
  reviewed_at timestamp,
  requested_review_at timestamp,
  indexable boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX index_accounts_on_username_and_domain_lower ON accounts (lower(username), coalesce(lower(domain), ''));
CREATE INDEX search_index ON accounts USING gin ((setweight(to_tsvector('simple', display_name), 'A') ||
  setweight(to_tsvector('simple', username), 'B') || setweight(to_tsvector('simple', coalesce(domain, '')), 'C')));
CREATE INDEX index_accounts_on_domain_and_id ON accounts (domain, id);
CREATE INDEX index_accounts_on_moved_to_account_id ON accounts (moved_to_account_id) WHERE moved_to_account_id IS NOT NULL;
CREATE INDEX index_accounts_on_uri ON accounts (uri);
CREATE INDEX index_accounts_on_url ON accounts (url text_pattern_ops) WHERE url IS NOT NULL;

CREATE TABLE account_stats (
  id bigserial PRIMARY KEY,
  account_id bigint NOT NULL,
  statuses_count bigint NOT NULL DEFAULT 0,
  following_count bigint NOT NULL DEFAULT 0,
  followers_count bigint NOT NULL DEFAULT 0,
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  last_status_at timestamp
);
CREATE UNIQUE INDEX index_account_stats_on_account_id ON account_stats (account_id);
CREATE INDEX index_account_stats_on_last_status_at_and_account_id ON account_stats (last_status_at DESC NULLS LAST, account_id);

CREATE TABLE account_domain_blocks (id bigserial PRIMARY KEY, domain varchar, account_id bigint, created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'));
CREATE UNIQUE INDEX index_account_domain_blocks_on_account_id_and_domain ON account_domain_blocks (account_id, domain);

CREATE TABLE user_roles (
  id bigserial PRIMARY KEY,
  name varchar NOT NULL DEFAULT '',
  color varchar NOT NULL DEFAULT '',
  position integer NOT NULL DEFAULT 0,
  permissions bigint NOT NULL DEFAULT 0,
  highlighted boolean NOT NULL DEFAULT false,
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);

CREATE TABLE users (
  id bigserial PRIMARY KEY,
  email varchar NOT NULL DEFAULT '',
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  encrypted_password varchar NOT NULL DEFAULT '',
  reset_password_token varchar,
  reset_password_sent_at timestamp,
  sign_in_count integer NOT NULL DEFAULT 0,
  current_sign_in_at timestamp,
  last_sign_in_at timestamp,
  confirmation_token varchar,
  confirmed_at timestamp,
  confirmation_sent_at timestamp,
  unconfirmed_email varchar,
  locale varchar,
  encrypted_otp_secret varchar,
  encrypted_otp_secret_iv varchar,
  encrypted_otp_secret_salt varchar,
  consumed_timestep integer,
  otp_required_for_login boolean NOT NULL DEFAULT false,
  last_emailed_at timestamp,
  otp_backup_codes varchar[],
  account_id bigint NOT NULL,
  disabled boolean NOT NULL DEFAULT false,
  invite_id bigint,
  chosen_languages varchar[],
  created_by_application_id bigint,
  approved boolean NOT NULL DEFAULT true,
  sign_in_token varchar,
  sign_in_token_sent_at timestamp,
  webauthn_id varchar,
  sign_up_ip inet,
  skip_sign_in_token boolean,
  role_id bigint,
  settings text,
  time_zone varchar
);
CREATE INDEX index_users_on_account_id ON users (account_id);
CREATE UNIQUE INDEX index_users_on_confirmation_token ON users (confirmation_token);
CREATE INDEX index_users_on_created_by_application_id ON users (created_by_application_id) WHERE created_by_application_id IS NOT NULL;
CREATE UNIQUE INDEX index_users_on_email ON users (email);
CREATE UNIQUE INDEX index_users_on_reset_password_token ON users (reset_password_token text_pattern_ops) WHERE reset_password_token IS NOT NULL;
CREATE INDEX index_users_on_role_id ON users (role_id) WHERE role_id IS NOT NULL;

CREATE TABLE user_invite_requests (id bigserial PRIMARY KEY, user_id bigint NOT NULL, text text, created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'));
CREATE INDEX index_user_invite_requests_on_user_id ON user_invite_requests (user_id);

CREATE TABLE invites (
  id bigserial PRIMARY KEY,
  user_id bigint NOT NULL,
  code varchar NOT NULL DEFAULT '',
  expires_at timestamp,
  max_uses integer,
  uses integer NOT NULL DEFAULT 0,
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  autofollow boolean NOT NULL DEFAULT false,
  comment text
);
CREATE UNIQUE INDEX index_invites_on_code ON invites (code);
CREATE INDEX index_invites_on_user_id ON invites (user_id);

CREATE TABLE webauthn_credentials (
  id bigserial PRIMARY KEY,
  external_id varchar NOT NULL,
  public_key varchar NOT NULL,
  nickname varchar NOT NULL,
  sign_count bigint NOT NULL DEFAULT 0,
  user_id bigint,
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);
CREATE UNIQUE INDEX index_webauthn_credentials_on_external_id ON webauthn_credentials (external_id);
CREATE UNIQUE INDEX index_webauthn_credentials_on_user_id_and_nickname ON webauthn_credentials (user_id, nickname);

CREATE TABLE session_activations (
  id bigserial PRIMARY KEY,
  session_id varchar NOT NULL,
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  user_agent varchar NOT NULL DEFAULT '',
  ip inet,
  access_token_id bigint,
  user_id bigint NOT NULL,
  web_push_subscription_id bigint
);
CREATE INDEX index_session_activations_on_access_token_id ON session_activations (access_token_id);
CREATE UNIQUE INDEX index_session_activations_on_session_id ON session_activations (session_id);
CREATE INDEX index_session_activations_on_user_id ON session_activations (user_id);

CREATE TABLE login_activities (
  id bigserial PRIMARY KEY,
  user_id bigint NOT NULL,
  authentication_method varchar,
  provider varchar,
  success boolean,
  failure_reason varchar,
  ip inet,
  user_agent varchar,
  created_at timestamp
);
CREATE INDEX index_login_activities_on_user_id ON login_activities (user_id);

CREATE TABLE oauth_applications (
  id bigserial PRIMARY KEY,
  name varchar NOT NULL,
  uid varchar NOT NULL,
  secret varchar NOT NULL,
  redirect_uri text NOT NULL,
  scopes varchar NOT NULL DEFAULT '',
  created_at timestamp,
  updated_at timestamp,
  superapp boolean NOT NULL DEFAULT false,
  website varchar,
  owner_type varchar,
  owner_id bigint,
  confidential boolean NOT NULL DEFAULT true
);
CREATE INDEX index_oauth_applications_on_owner_id_and_owner_type ON oauth_applications (owner_id, owner_type);
CREATE UNIQUE INDEX index_oauth_applications_on_uid ON oauth_applications (uid);

CREATE TABLE oauth_access_tokens (
  id bigserial PRIMARY KEY,
  token varchar NOT NULL,
  refresh_token varchar,
  expires_in integer,
  revoked_at timestamp,
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  scopes varchar,
  application_id bigint,
  resource_owner_id bigint,
  last_used_at timestamp,
  last_used_ip inet
);
CREATE UNIQUE INDEX index_oauth_access_tokens_on_refresh_token ON oauth_access_tokens (refresh_token text_pattern_ops) WHERE refresh_token IS NOT NULL;
CREATE INDEX index_oauth_access_tokens_on_resource_owner_id ON oauth_access_tokens (resource_owner_id) WHERE resource_owner_id IS NOT NULL;
CREATE UNIQUE INDEX index_oauth_access_tokens_on_token ON oauth_access_tokens (token);

CREATE TABLE follows (
  id bigserial PRIMARY KEY,
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  account_id bigint NOT NULL,
  target_account_id bigint NOT NULL,
  show_reblogs boolean NOT NULL DEFAULT true,
  uri varchar,
  notify boolean NOT NULL DEFAULT false,
  languages varchar[]
);
CREATE UNIQUE INDEX index_follows_on_account_id_and_target_account_id ON follows (account_id, target_account_id);
CREATE INDEX index_follows_on_target_account_id ON follows (target_account_id);

CREATE TABLE follow_requests (
  id bigserial PRIMARY KEY,
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  account_id bigint NOT NULL,
  target_account_id bigint NOT NULL,
  show_reblogs boolean NOT NULL DEFAULT true,
  uri varchar,
  notify boolean NOT NULL DEFAULT false,
  languages varchar[]
);
CREATE UNIQUE INDEX index_follow_requests_on_account_id_and_target_account_id ON follow_requests (account_id, target_account_id);

CREATE TABLE blocks (id bigserial PRIMARY KEY, created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'), account_id bigint NOT NULL, target_account_id bigint NOT NULL, uri varchar);
CREATE UNIQUE INDEX index_blocks_on_account_id_and_target_account_id ON blocks (account_id, target_account_id);
CREATE INDEX index_blocks_on_target_account_id ON blocks (target_account_id);

CREATE TABLE follow_recommendation_suppressions (id bigserial PRIMARY KEY, account_id bigint NOT NULL, created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'));
CREATE UNIQUE INDEX index_follow_recommendation_suppressions_on_account_id ON follow_recommendation_suppressions (account_id);
