-- What 4.4 adds to 4.3.

ALTER TABLE statuses ADD fetched_replies_at timestamp;
DROP INDEX index_statuses_public_20200119;
CREATE INDEX index_statuses_public_20250129 ON statuses (id DESC, language, account_id) WHERE deleted_at IS NULL
  AND visibility = 0 AND reblog_of_id IS NULL AND (NOT reply OR in_reply_to_account_id = account_id);
ALTER TABLE users DROP encrypted_otp_secret, DROP encrypted_otp_secret_iv, DROP encrypted_otp_secret_salt,
  ADD age_verified_at timestamp, ADD require_tos_interstitial boolean NOT NULL DEFAULT false;
ALTER TABLE custom_emoji_categories ADD featured_emoji_id bigint;
ALTER TABLE settings DROP thing_type, DROP thing_id;
CREATE UNIQUE INDEX index_settings_on_var ON settings (var);

CREATE TABLE rule_translations (
  id bigserial PRIMARY KEY,
  text text NOT NULL DEFAULT '',
  hint text NOT NULL DEFAULT '',
  language varchar NOT NULL,
  rule_id bigint NOT NULL,
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);
CREATE UNIQUE INDEX index_rule_translations_on_rule_id_and_language ON rule_translations (rule_id, language);

CREATE TABLE tag_trends (
  id bigserial PRIMARY KEY,
  tag_id bigint NOT NULL,
  score double precision NOT NULL DEFAULT 0,
  rank integer NOT NULL DEFAULT 0,
  allowed boolean NOT NULL DEFAULT false,
  language varchar NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX index_tag_trends_on_tag_id_and_language ON tag_trends (tag_id, language);

CREATE TABLE terms_of_services (
  id bigserial PRIMARY KEY,
  text text NOT NULL DEFAULT '',
  changelog text NOT NULL DEFAULT '',
  published_at timestamp,
  notification_sent_at timestamp,
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  effective_date date
);
CREATE UNIQUE INDEX index_terms_of_services_on_effective_date ON terms_of_services (effective_date) WHERE effective_date IS NOT NULL;

CREATE TABLE fasp_providers (
  id bigserial PRIMARY KEY,
  confirmed boolean NOT NULL DEFAULT false,
  name varchar NOT NULL,
  base_url varchar NOT NULL,
  sign_in_url varchar,
  remote_identifier varchar NOT NULL,
  provider_public_key_pem varchar NOT NULL,
  server_private_key_pem varchar NOT NULL,
  capabilities jsonb NOT NULL DEFAULT '[]',
  created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);
CREATE UNIQUE INDEX index_fasp_providers_on_base_url ON fasp_providers (base_url);

CREATE TABLE instance_moderation_notes (id bigserial PRIMARY KEY, domain varchar NOT NULL, account_id bigint NOT NULL, content text, created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'));
CREATE INDEX index_instance_moderation_notes_on_domain ON instance_moderation_notes (domain);
