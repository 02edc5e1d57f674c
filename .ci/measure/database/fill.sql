-- A Mastodon 4.6 of two million accounts on a thousand servers and ten million
-- posts; 20,000 of the accounts are people here. What is written is a function
-- of numbers: account n of 1 to 2,000,000 is from here where n is a multiple of
-- a hundred, and post n was made every 3.456 s until now and goes on after it.
-- {now} is the time of filling, in milliseconds since 1970.

SET timezone = 'UTC';
SET work_mem = '256MB';
SET maintenance_work_mem = '512MB';
SET max_parallel_maintenance_workers = 1;

CREATE SCHEMA bench;
-- What looks like chance, from 0 to 1, is the same for the same number.
CREATE FUNCTION bench.chance(n bigint, salt bigint) RETURNS float8 LANGUAGE sql IMMUTABLE AS
  $$ SELECT (hashint8extended(n, salt) & 9007199254740991)::float8 / 9007199254740992 $$;
CREATE FUNCTION bench.id(ms bigint, n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$ SELECT (ms << 16) | (n & 65535) $$;
CREATE FUNCTION bench.at(ms bigint) RETURNS timestamp LANGUAGE sql IMMUTABLE AS $$ SELECT to_timestamp(ms / 1000.0) AT TIME ZONE 'UTC' $$;
-- Accounts came over five years, posts over four hundred days.
CREATE FUNCTION bench.joined(n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$ SELECT {now} - 157680000000 + n * 78840 $$;
CREATE FUNCTION bench.person(n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$ SELECT (({now} - 157680000000 + n * 78840) << 16) | (n & 65535) $$;
CREATE FUNCTION bench.made(n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$ SELECT {now} - 34560000000 + n * 3456 $$;
-- The largest server has a sixth of all, the smallest some hundred.
CREATE FUNCTION bench.home(n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS
  $$ SELECT 'd' || floor(1000 * power(bench.chance(n, 1), 4))::int || '.test' $$;
-- The k-th of those from elsewhere.
CREATE FUNCTION bench.stranger(k bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$ SELECT k / 99 * 100 + k % 99 + 1 $$;

-- Large tables get their indexes when they are full, and only those that a
-- question about ids, accounts, domains and times could take.
CREATE TABLE bench.indexes AS
  SELECT x.indrelid::regclass::text AS relation, x.indexrelid::regclass::text AS name, c.conname AS key,
    CASE WHEN c.oid IS NULL THEN pg_get_indexdef(x.indexrelid)
    ELSE format('ALTER TABLE %s ADD CONSTRAINT %I %s', x.indrelid::regclass, c.conname, pg_get_constraintdef(c.oid)) END AS made
  FROM pg_index x LEFT JOIN pg_constraint c ON c.conindid = x.indexrelid
  WHERE x.indrelid = ANY (ARRAY['accounts', 'account_stats', 'statuses', 'media_attachments', 'mentions', 'notifications', 'follows', 'tags']::regclass[]);
DO $$ DECLARE i record; BEGIN
  FOR i IN SELECT DISTINCT relation FROM bench.indexes LOOP
    EXECUTE format('ALTER TABLE %s SET UNLOGGED', i.relation);
  END LOOP;
  FOR i IN SELECT * FROM bench.indexes LOOP
    IF i.key IS NULL THEN EXECUTE 'DROP INDEX ' || i.name;
    ELSE EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', i.relation, i.key); END IF;
  END LOOP;
END $$;

INSERT INTO accounts (id, username, actor_type, locked, uri) VALUES (-99, 'masto.test', 'Application', true, '');
INSERT INTO accounts (id, username, created_at, updated_at, discoverable, actor_type, reviewed_at)
  SELECT bench.person(n), 'person' || n, bench.at(bench.joined(n)), bench.at(bench.joined(n)), n % 2000 = 0, 'Person', bench.at(bench.joined(n))
  FROM generate_series(100::bigint, 2000000, 100) n;
INSERT INTO accounts (id, username, domain, created_at, updated_at, uri, url, inbox_url, shared_inbox_url, protocol, actor_type, last_webfingered_at,
    public_key, suspended_at, requested_review_at)
  SELECT bench.person(n), 'u' || n, home, bench.at(bench.joined(n)), bench.at(bench.joined(n)), 'https://' || home || '/users/u' || n,
    'https://' || home || '/@u' || n, 'https://' || home || '/users/u' || n || '/inbox', 'https://' || home || '/inbox', 1, 'Person', bench.at(bench.joined(n)),
    repeat('k', 300), CASE WHEN n % 211 = 0 THEN bench.at(bench.joined(n)) END, CASE WHEN n % 5003 = 0 THEN bench.at(bench.joined(n)) END
  FROM (SELECT n, bench.home(n) AS home FROM generate_series(1::bigint, 2000000) n WHERE n % 100 > 0 OFFSET 0) x;

INSERT INTO user_roles (id, name, permissions) VALUES (-99, '', 65536), (1, 'Moderator', 1308), (2, 'Admin', 983036), (3, 'Owner', 1048575);
SELECT setval('user_roles_id_seq', 3);
-- Every thirtieth never confirmed, forty wait for an admin.
INSERT INTO users (email, account_id, created_at, confirmed_at, current_sign_in_at, approved, role_id, sign_up_ip)
  SELECT 'person' || n || '@mail.test', bench.person(n), bench.at(bench.joined(n)),
    CASE WHEN n % 3000 > 0 THEN bench.at(bench.joined(n) + 300000) END,
    bench.at({now} - floor(31536000000 * power(bench.chance(n, 4), 3))::bigint), n <= 1996000,
    CASE n WHEN 100 THEN 3 WHEN 200 THEN 1 WHEN 300 THEN 1 WHEN 400 THEN 2 END, ('198.51.' || n / 100 % 100 || '.' || n / 10000 % 200)::inet
  FROM generate_series(100::bigint, 2000000, 100) n;

INSERT INTO follows (account_id, target_account_id, created_at)
  SELECT DISTINCT bench.person(l), bench.person(bench.stranger(k)), bench.at({now} - 8640000000)
  FROM (SELECT l, floor(1980000 * power(bench.chance(l * 100 + j, 5), 4))::bigint AS k FROM generate_series(100::bigint, 2000000, 100) l, generate_series(1::bigint, 25) j OFFSET 0) x;
INSERT INTO follows (account_id, target_account_id, created_at)
  SELECT DISTINCT bench.person(bench.stranger(k)), bench.person(l), bench.at({now} - 8640000000)
  FROM (SELECT floor(1980000 * power(bench.chance(f, 6), 2))::bigint AS k, 100 * (1 + floor(20000 * bench.chance(f, 7)))::bigint AS l FROM generate_series(1::bigint, 200000) f OFFSET 0) x;

INSERT INTO tags (name, display_name, usable, trendable, listable, reviewed_at, requested_review_at)
  SELECT 'tag' || n, 'Tag' || n, true, n % 100 = 0, true, CASE WHEN n % 100 = 0 THEN bench.at({now}) END, CASE WHEN n % 1000 = 1 THEN bench.at({now}) END
  FROM generate_series(1::bigint, 300000) n;
INSERT INTO tag_trends (tag_id, score, language) SELECT 1 + n * 1000, n, 'ja' FROM generate_series(1::bigint, 50) n;
INSERT INTO preview_card_providers (domain, reviewed_at, requested_review_at)
  SELECT 'news' || n || '.test', CASE WHEN n % 3 = 0 THEN bench.at({now}) END, CASE WHEN n % 300 < 10 THEN bench.at({now}) END FROM generate_series(1::bigint, 30000) n;
INSERT INTO reports (account_id, target_account_id, category, created_at, action_taken_at, comment)
  SELECT bench.person(100 * (1 + n % 20000)), bench.person(bench.stranger(n)), 1000, bench.at({now} - (30000 - n) * 3600000),
    CASE WHEN n <= 29960 THEN bench.at({now} - (30000 - n) * 3600000 + 7200000) END, repeat('c', 100) FROM generate_series(1::bigint, 30000) n;
INSERT INTO account_warnings (account_id, target_account_id) SELECT bench.person(100), bench.person(100 * n) FROM generate_series(1::bigint, 2000) n;
INSERT INTO appeals (account_id, account_warning_id, created_at, approved_at)
  SELECT bench.person(100 * n), n, bench.at({now} - (2000 - n) * 3600000), CASE WHEN n <= 1995 THEN bench.at({now}) END FROM generate_series(1::bigint, 2000) n;
INSERT INTO rules (priority, text) SELECT n, 'rule ' || n FROM generate_series(1::bigint, 9) n;
INSERT INTO domain_blocks (domain, severity) SELECT 'd' || n || '.test', n % 2 FROM generate_series(900::bigint, 999, 3) n
  UNION ALL SELECT 'spam' || n || '.test', 1 FROM generate_series(1::bigint, 500) n;
INSERT INTO unavailable_domains (domain, created_at) SELECT 'd' || n || '.test', bench.at({now} - n * 7200000) FROM generate_series(500::bigint, 899, 2) n;
INSERT INTO settings (var, value) VALUES ('registrations_mode', E'--- approved\n');
INSERT INTO settings (var, value) SELECT 'setting' || n, E'--- true\n' FROM generate_series(1::bigint, 60) n;
INSERT INTO scheduled_statuses (account_id, scheduled_at, params)
  SELECT bench.person(100 * n), bench.at({now} + n * 86400000), '{}' FROM generate_series(1::bigint, 2000) n;
INSERT INTO software_updates (version, type, release_notes) VALUES ('4.6.3', 0, 'https://notes.test/4.6.3'), ('4.6.4', 0, 'https://notes.test/4.6.4'), ('4.7.0', 1, '');
INSERT INTO schema_migrations (version) SELECT (20160220174730 + n)::text FROM generate_series(0::bigint, 599) n;
INSERT INTO ar_internal_metadata (key, value) VALUES ('environment', 'production');
