SET timezone = 'UTC';

INSERT INTO account_summaries (account_id, language, sensitive) SELECT id, 'ja', false FROM accounts WHERE domain IS NULL AND id > 0;
INSERT INTO schema_migrations (version) VALUES ('20260709103000'), ('20260716120000'), ('20260804081821');
