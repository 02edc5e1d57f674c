-- When everything is there.

SET timezone = 'UTC';
SET work_mem = '256MB';
SET maintenance_work_mem = '512MB';
SET max_parallel_maintenance_workers = 1;

INSERT INTO account_stats (account_id, statuses_count, last_status_at)
  SELECT a.id, coalesce(s.n, 0), s.last FROM accounts a
  LEFT JOIN (SELECT account_id, count(*) AS n, max(created_at) AS last FROM statuses GROUP BY 1) s ON s.account_id = a.id;
DO $$ DECLARE i record; BEGIN
  FOR i IN SELECT * FROM bench.indexes WHERE name !~ '(uri|url|search_index|moved_to|reblog_of|in_reply_to|conversation|shortcode|scheduled|activity|group_key)' LOOP
    EXECUTE i.made;
  END LOOP;
END $$;
INSERT INTO status_trends (status_id, account_id, score, allowed)
  SELECT id, account_id, 1, id % 3 = 0 FROM (SELECT id, account_id FROM statuses ORDER BY id DESC LIMIT 300) s;
REFRESH MATERIALIZED VIEW instances;
REFRESH MATERIALIZED VIEW account_summaries;
REFRESH MATERIALIZED VIEW global_follow_recommendations;
CREATE TABLE bench.done AS SELECT {to}::bigint AS n;
