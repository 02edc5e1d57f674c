-- What has happened since post {from}, the first that is new: the authors were
-- heard; and within the last three days sixty people have signed up, half of
-- them in the last hour, who greet many; those of the last time have never been.
-- Forty small servers have said nothing for ten days, as after their end. {now}
-- is now, in milliseconds since 1970.

SET timezone = 'UTC';

UPDATE account_stats SET last_status_at = s.last
  FROM (SELECT account_id, max(created_at) AS last FROM statuses WHERE id >= bench.id(bench.made({from}), {from}) GROUP BY 1) s
  WHERE account_stats.account_id = s.account_id;

UPDATE account_stats SET last_status_at = bench.at({now} - 864000000)
  FROM (SELECT a.id FROM generate_series(960, 999) n CROSS JOIN LATERAL (SELECT id FROM accounts WHERE domain = 'd' || n || '.test') a) silent
  WHERE account_id = silent.id AND last_status_at > bench.at({now} - 864000000);

CREATE TABLE IF NOT EXISTS bench.newcomer (id bigint);
DELETE FROM mentions WHERE status_id IN (SELECT s.id FROM statuses s JOIN bench.newcomer n ON n.id = s.account_id);
DELETE FROM statuses WHERE account_id IN (SELECT id FROM bench.newcomer);
DELETE FROM users WHERE account_id IN (SELECT id FROM bench.newcomer);
DELETE FROM account_stats WHERE account_id IN (SELECT id FROM bench.newcomer);
DELETE FROM accounts WHERE id IN (SELECT id FROM bench.newcomer);
TRUNCATE bench.newcomer;

CREATE TEMP TABLE newcomer AS
  SELECT g, ms, ((ms << 16) | (40000 + g)) AS id
  FROM (SELECT g, CASE WHEN g % 2 = 0 THEN {now} - g * 60000 ELSE {now} - 3600000 - g * 3600000 END AS ms FROM generate_series(1::bigint, 59) g) x;
INSERT INTO accounts (id, username, created_at, actor_type) SELECT id, 'new' || id, bench.at(ms), 'Person' FROM newcomer;
INSERT INTO account_stats (account_id, statuses_count, last_status_at) SELECT id, 5, bench.at({now}) FROM newcomer;
INSERT INTO users (email, account_id, created_at, confirmed_at, approved, sign_up_ip, created_by_application_id)
  SELECT 'new' || id || '@mail.test', id, bench.at(ms), bench.at(ms + 1000), g % 4 > 0, ('203.0.113.' || g)::inet, 1 FROM newcomer ORDER BY ms;
INSERT INTO statuses (id, account_id, local, text, created_at, updated_at)
  SELECT (({now} - p * 120000 - g) << 16) | (50000 + g), id, true, 'hello', bench.at({now} - p * 120000 - g), bench.at({now}) FROM newcomer, generate_series(1::bigint, 5) p;
INSERT INTO mentions (status_id, account_id)
  SELECT (({now} - p * 120000 - g) << 16) | (50000 + g), bench.person(bench.stranger(1000 * g + 10 * p + m)) FROM newcomer, generate_series(1::bigint, 5) p, generate_series(1::bigint, 3) m;

INSERT INTO bench.newcomer SELECT id FROM newcomer;
DROP TABLE newcomer;
INSERT INTO bench.done VALUES ({to});
