-- Mastodon 4.2: views.

CREATE MATERIALIZED VIEW instances AS
  WITH known AS (SELECT domain, count(*) AS n FROM accounts WHERE domain IS NOT NULL GROUP BY 1)
  SELECT named.domain, coalesce(known.n, 0) AS accounts_count
  FROM (SELECT domain FROM known UNION SELECT domain FROM domain_blocks UNION SELECT domain FROM domain_allows) AS named
  LEFT JOIN known USING (domain);
CREATE UNIQUE INDEX index_instances_on_domain ON instances (domain);
CREATE INDEX index_instances_on_reverse_domain ON instances (reverse('.' || domain), domain);

CREATE MATERIALIZED VIEW account_summaries AS
  SELECT a.id AS account_id, mode() WITHIN GROUP (ORDER BY recent.language) AS language, mode() WITHIN GROUP (ORDER BY recent.sensitive) AS sensitive
  FROM accounts a, LATERAL (
    SELECT s.language, s.sensitive FROM statuses s
    WHERE s.account_id = a.id AND s.deleted_at IS NULL AND s.reblog_of_id IS NULL ORDER BY s.id DESC LIMIT 20) AS recent
  WHERE a.discoverable AND NOT a.locked AND a.suspended_at IS NULL AND a.silenced_at IS NULL AND a.moved_to_account_id IS NULL
  GROUP BY a.id;
CREATE UNIQUE INDEX index_account_summaries_on_account_id ON account_summaries (account_id);

CREATE MATERIALIZED VIEW global_follow_recommendations AS
  SELECT v.account_id, sum(v.rank) AS rank, array_agg(v.reason) AS reason
  FROM (
    SELECT s.account_id, count(*) / (1.0 + count(*)) AS rank, 'most_followed'::text AS reason
    FROM account_summaries s JOIN follows f ON f.target_account_id = s.account_id JOIN users u ON u.account_id = f.account_id
    WHERE NOT s.sensitive AND u.current_sign_in_at >= now() - interval '30 days'
    GROUP BY s.account_id HAVING count(*) >= 5
  ) AS v
  WHERE v.account_id NOT IN (SELECT account_id FROM follow_recommendation_suppressions)
  GROUP BY v.account_id;
CREATE UNIQUE INDEX index_global_follow_recommendations_on_account_id ON global_follow_recommendations (account_id);

CREATE VIEW user_ips AS
  SELECT user_id, ip, max(used_at) AS used_at
  FROM (
    SELECT id AS user_id, sign_up_ip AS ip, created_at AS used_at FROM users WHERE sign_up_ip IS NOT NULL
    UNION ALL SELECT user_id, ip, updated_at FROM session_activations
    UNION ALL SELECT user_id, ip, created_at FROM login_activities WHERE success
  ) AS seen
  GROUP BY user_id, ip;
