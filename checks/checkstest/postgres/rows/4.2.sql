-- A small healthy server: masto.test with five people, who follow accounts on
-- twelve others. Times are before now, as far as a server's are.

SET timezone = 'UTC';

INSERT INTO ar_internal_metadata (key, value) VALUES ('environment', 'production'), ('schema_sha1', '0000000000000000000000000000000000000000');

INSERT INTO user_roles (id, name, position, permissions, highlighted) VALUES
  (-99, '', -1, 65536, false), (1, 'Moderator', 10, 1308, true), (2, 'Admin', 100, 983036, true), (3, 'Owner', 1000, 1048575, true);
SELECT setval('user_roles_id_seq', 3);

INSERT INTO accounts (id, username, actor_type, locked, uri, created_at) VALUES
  (-99, 'masto.test', 'Application', true, '', now() - interval '900 days');

-- Local: an owner, a moderator, three others. Ids tell the time of joining.
INSERT INTO accounts (id, username, created_at, discoverable, actor_type, reviewed_at)
  SELECT (extract(epoch FROM joined) * 1000)::bigint << 16, name, joined, true, 'Person', joined
  FROM (SELECT name, date_trunc('second', now() - interval '1 day' * (900 - 100 * n)) AS joined
        FROM unnest(ARRAY['owner', 'moderator', 'aoi', 'ben', 'chie']) WITH ORDINALITY AS people (name, n)) AS local;
INSERT INTO users (email, encrypted_password, account_id, created_at, confirmed_at, confirmation_sent_at, current_sign_in_at, last_sign_in_at, sign_in_count, locale, role_id, sign_up_ip)
  SELECT username || '@mail.test', 'not-a-hash-' || username, id, created_at, created_at + interval '5 minutes', created_at,
    now() - interval '3 hours', now() - interval '1 day', 40, 'ja',
    CASE username WHEN 'owner' THEN 3 WHEN 'moderator' THEN 1 END, '192.0.2.7'
  FROM accounts WHERE domain IS NULL AND id > 0 ORDER BY id;
INSERT INTO session_activations (session_id, user_id, ip, created_at, updated_at)
  SELECT 'session-' || id, id, '192.0.2.7', now() - interval '1 day', now() - interval '3 hours' FROM users;
INSERT INTO login_activities (user_id, authentication_method, success, ip, created_at)
  SELECT id, 'password', true, '192.0.2.7', now() - interval '1 day' FROM users;
INSERT INTO oauth_applications (name, uid, secret, redirect_uri, scopes, superapp, created_at, updated_at)
  VALUES ('Web', 'uid-web', 'secret-web', 'urn:ietf:wg:oauth:2.0:oob', 'read write follow push', true, now() - interval '900 days', now() - interval '900 days');
INSERT INTO oauth_access_tokens (token, scopes, application_id, resource_owner_id, last_used_at)
  SELECT 'token-' || id, 'read write follow push', 1, id, now() - interval '3 hours' FROM users;
INSERT INTO invites (user_id, code, uses) VALUES (1, 'welcome', 2);
INSERT INTO webauthn_credentials (external_id, public_key, nickname, user_id) VALUES ('key-1', 'public', 'the blue one', 1);

-- Remote: three accounts on each of twelve servers.
INSERT INTO accounts (id, username, domain, created_at, uri, url, inbox_url, shared_inbox_url, protocol, discoverable, actor_type, last_webfingered_at, updated_at)
  SELECT ((extract(epoch FROM now() - interval '400 days') * 1000)::bigint + s * 10 + p) << 16, 'user' || p, name, now() - interval '400 days',
    'https://' || name || '/users/user' || p, 'https://' || name || '/@user' || p, 'https://' || name || '/users/user' || p || '/inbox',
    'https://' || name || '/inbox', 1, true, 'Person', now() - interval '6 hours', now() - interval '6 hours'
  FROM generate_series(1, 12) AS s, generate_series(1, 3) AS p, LATERAL (SELECT 'server' || to_char(s, 'FM00') || '.test' AS name) AS server;

INSERT INTO follows (account_id, target_account_id, created_at)
  SELECT l.id, r.id, now() - interval '300 days' FROM accounts l, accounts r
  WHERE l.domain IS NULL AND l.id > 0 AND r.domain IS NOT NULL AND r.username IN ('user1', 'user2');
INSERT INTO follows (account_id, target_account_id, created_at, uri)
  SELECT r.id, l.id, now() - interval '200 days', r.uri || '#follow' || l.id FROM accounts l, accounts r
  WHERE l.domain IS NULL AND l.id > 0 AND r.username = 'user1';

-- Posts: from outside one every three minutes for a day, the newest a minute
-- old; from here one every half hour.
INSERT INTO statuses (id, account_id, uri, url, local, text, language, created_at, updated_at)
  SELECT ((extract(epoch FROM at) * 1000)::bigint << 16) + n, a.id, a.uri || '/statuses/' || n, a.url || '/' || n, false, 'post ' || n, 'en', at, at
  FROM generate_series(0, 479) AS n
  JOIN LATERAL (SELECT date_trunc('milliseconds', now() - interval '1 minute' - interval '3 minutes' * n) AS at) AS moment ON true
  JOIN (SELECT *, row_number() OVER (ORDER BY username, domain) - 1 AS place FROM accounts WHERE domain IS NOT NULL) AS a ON a.place = n % 36;
INSERT INTO statuses (id, account_id, uri, local, text, language, created_at, updated_at)
  SELECT ((extract(epoch FROM at) * 1000)::bigint << 16) + 1000 + n, a.id, 'https://masto.test/users/' || a.username || '/statuses/' || n, true, 'post ' || n, 'ja', at, at
  FROM generate_series(0, 47) AS n
  JOIN LATERAL (SELECT date_trunc('milliseconds', now() - interval '10 minutes' - interval '30 minutes' * n) AS at) AS moment ON true
  JOIN (SELECT *, row_number() OVER (ORDER BY id) - 1 AS place FROM accounts WHERE domain IS NULL AND id > 0) AS a ON a.place = n % 5;
INSERT INTO conversations (uri, created_at, updated_at) SELECT 'tag:' || n || '.test:conversation', now() - interval '1 day', now() FROM generate_series(1, 20) AS n;
UPDATE statuses SET conversation_id = (SELECT min(id) FROM conversations) + (id >> 16) % 20;
INSERT INTO status_stats (status_id, favourites_count) SELECT id, 1 FROM statuses WHERE local;
INSERT INTO favourites (account_id, status_id) SELECT r.id, s.id FROM statuses s, accounts r WHERE s.local AND r.username = 'user1' AND r.domain = 'server01.test';
INSERT INTO mentions (status_id, account_id, created_at)
  SELECT s.id, l.id, s.created_at FROM (SELECT * FROM statuses WHERE NOT local ORDER BY id DESC LIMIT 20) AS s, accounts l WHERE l.username = 'aoi';
INSERT INTO notifications (activity_id, activity_type, type, account_id, from_account_id, created_at)
  SELECT m.id, 'Mention', 'mention', m.account_id, s.account_id, m.created_at FROM mentions m JOIN statuses s ON s.id = m.status_id;
INSERT INTO media_attachments (id, status_id, account_id, shortcode, remote_url, created_at, file_file_name, file_content_type, file_file_size, processing)
  SELECT s.id, s.id, s.account_id, 'media-' || s.id, coalesce(s.url, ''), s.created_at, 'picture.png', 'image/png', 200000, 2
  FROM statuses s WHERE (s.id >> 16) % 4 = 0;
INSERT INTO account_stats (account_id, statuses_count, following_count, followers_count, last_status_at)
  SELECT a.id, (SELECT count(*) FROM statuses s WHERE s.account_id = a.id), (SELECT count(*) FROM follows f WHERE f.account_id = a.id),
    (SELECT count(*) FROM follows f WHERE f.target_account_id = a.id), (SELECT max(created_at) FROM statuses s WHERE s.account_id = a.id)
  FROM accounts a;
INSERT INTO tags (name, display_name, usable, trendable, listable, reviewed_at, last_status_at) VALUES
  ('fediverse', 'Fediverse', true, true, true, now() - interval '100 days', now()), ('鯖', '鯖', true, true, true, now() - interval '90 days', now());
INSERT INTO statuses_tags (status_id, tag_id) SELECT id, 1 FROM statuses ORDER BY id DESC LIMIT 10;
INSERT INTO preview_cards (url, title) VALUES ('https://news.test/1', 'News');
INSERT INTO preview_card_providers (domain, trendable, reviewed_at, requested_review_at) VALUES ('news.test', true, now() - interval '100 days', now() - interval '101 days');
INSERT INTO preview_card_trends (preview_card_id, score, rank, allowed, language) VALUES (1, 3, 1, true, 'en');
INSERT INTO status_trends (status_id, account_id, score, rank, allowed, language) SELECT id, account_id, 2, 1, true, 'ja' FROM statuses WHERE local ORDER BY id DESC LIMIT 1;
INSERT INTO scheduled_statuses (account_id, scheduled_at, params) SELECT id, now() + interval '5 hours', '{}' FROM accounts WHERE username = 'ben';

-- Moderation: all of it answered.
INSERT INTO reports (account_id, target_account_id, category, created_at, action_taken_at, action_taken_by_account_id, forwarded)
  SELECT l.id, r.id, 1000, now() - interval '20 days', now() - interval '20 days' + interval '2 hours', m.id, true
  FROM accounts l, accounts r, accounts m WHERE l.username = 'chie' AND r.username = 'user3' AND r.domain = 'server12.test' AND m.username = 'moderator';
INSERT INTO account_warnings (account_id, target_account_id, action, created_at)
  SELECT m.id, l.id, 1000, now() - interval '50 days' FROM accounts m, accounts l WHERE m.username = 'moderator' AND l.username = 'ben';
INSERT INTO appeals (account_id, account_warning_id, text, created_at, approved_at, approved_by_account_id)
  SELECT w.target_account_id, w.id, 'please', now() - interval '49 days', now() - interval '48 days', w.account_id FROM account_warnings w;
INSERT INTO rules (priority, text) VALUES (0, '嫌がらせをしない'), (1, '宣伝だけのアカウントは作らない'), (2, '日本の法律を守る');
INSERT INTO ip_blocks (ip, severity, comment) VALUES ('198.51.100.0/24', 5500, 'sign-ups by machine');
INSERT INTO email_domain_blocks (domain) VALUES ('throwaway.test');

INSERT INTO domain_blocks (domain, severity, created_at) VALUES ('spam.test', 1, now() - interval '300 days');
INSERT INTO unavailable_domains (domain, created_at) VALUES ('gone.test', now() - interval '200 days');

INSERT INTO settings (var, value, created_at, updated_at) VALUES
  ('registrations_mode', E'--- approved\n', now() - interval '800 days', now() - interval '800 days'),
  ('site_title', E'--- masto.test\n', now() - interval '800 days', now() - interval '800 days');
INSERT INTO backups (user_id, processed, created_at, dump_file_name, dump_file_size) VALUES (1, true, now() - interval '30 days', 'archive.zip', 1000000);
INSERT INTO pghero_space_stats (database, schema, relation, size, captured_at)
  SELECT 'primary', 'public', relation, 1000000, date_trunc('day', now()) - interval '1 day' * n
  FROM generate_series(0, 6) AS n, unnest(ARRAY['statuses', 'accounts', 'media_attachments']) AS relation;
INSERT INTO announcements (text, published, published_at) VALUES ('welcome', true, now() - interval '700 days');
INSERT INTO announcement_reactions (account_id, announcement_id, name) SELECT id, 1, '🐟' FROM accounts WHERE username = 'aoi';
INSERT INTO custom_emoji_categories (name) VALUES ('fish');
INSERT INTO custom_emojis (shortcode, domain, image_file_name, category_id) VALUES ('saba', NULL, 'saba.png', 1), ('blob', 'server01.test', 'blob.png', NULL);
INSERT INTO webhooks (url, events, secret) VALUES ('https://hook.test/mastodon', '{report.created}', 'secret');
INSERT INTO account_domain_blocks (account_id, domain) SELECT id, 'spam.test' FROM accounts WHERE username = 'aoi';
INSERT INTO tombstones (account_id, uri) SELECT id, uri || '/statuses/deleted' FROM accounts WHERE domain = 'server01.test' AND username = 'user1';

INSERT INTO schema_migrations (version) VALUES
  ('20160220174730'), ('20180812173710'), ('20220824164433'), ('20230630145300'), ('20230803112520'), ('20230818141056'),
  ('20230818142253'), ('20230822081029'), ('20230904134623'), ('20230907150100');
