-- Posts {from} to {to}, and what comes with them: mentions, notifications,
-- pictures.

SET timezone = 'UTC';

CREATE TEMP TABLE post AS
  SELECT n, bench.made(n) AS ms, bench.id(bench.made(n), n) AS id,
    CASE WHEN n % 12 = 0 THEN 100 * (1 + floor(20000 * power(bench.chance(n, 2), 3))::bigint)
    ELSE bench.stranger(floor(1980000 * power(bench.chance(n, 3), 3))::bigint) END AS author
  FROM generate_series({from}::bigint, {to}::bigint) n;

INSERT INTO statuses (id, account_id, uri, local, text, language, created_at, updated_at, deleted_at)
  SELECT id, bench.person(author), CASE WHEN n % 12 > 0 THEN 'https://' || bench.home(author) || '/users/u' || author || '/statuses/' || n END,
    n % 12 = 0, repeat('tide ', 20), CASE WHEN n % 3 = 0 THEN 'ja' ELSE 'en' END, bench.at(ms), bench.at(ms), CASE WHEN n % 500 = 7 THEN bench.at(ms + 3600000) END
  FROM post;
INSERT INTO mentions (status_id, account_id, created_at)
  SELECT id, bench.person(100 * (1 + floor(20000 * bench.chance(n, 8))::bigint)), bench.at(ms) FROM post WHERE n % 10 < 3;
INSERT INTO notifications (activity_id, activity_type, type, account_id, from_account_id, created_at)
  SELECT n, 'Favourite', 'favourite', bench.person(100 * (1 + floor(20000 * bench.chance(n, 8))::bigint)), bench.person(author), bench.at(ms) FROM post WHERE n % 5 = 1;
INSERT INTO media_attachments (id, status_id, account_id, file_file_name, file_content_type, file_file_size, created_at, updated_at, processing)
  SELECT id, id, bench.person(author), 'picture.png', 'image/png', 200000, bench.at(ms), bench.at(ms), 2 FROM post WHERE n % 4 = 0;

DROP TABLE post;
