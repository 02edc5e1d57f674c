-- What 4.7 changes: two views become tables, and the end of support is known.

DROP MATERIALIZED VIEW global_follow_recommendations;
DROP MATERIALIZED VIEW account_summaries;
CREATE TABLE account_summaries (account_id bigint PRIMARY KEY, language varchar, sensitive boolean);
CREATE TABLE global_follow_recommendations (account_id bigint PRIMARY KEY, rank numeric, reason text[]);

ALTER TABLE software_updates ADD end_of_support date;
CREATE TABLE software_deprecations (id bigserial PRIMARY KEY, branch varchar NOT NULL, end_of_support date, warning_issued boolean NOT NULL DEFAULT false, created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
  updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'));
CREATE UNIQUE INDEX index_software_deprecations_on_branch ON software_deprecations (branch);
