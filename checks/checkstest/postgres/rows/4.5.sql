SET timezone = 'UTC';

INSERT INTO username_blocks (username, normalized_username, exact) VALUES ('administrator', 'administrator', true);
INSERT INTO schema_migrations (version) VALUES
  ('20250627132728'), ('20250717003848'), ('20250805075010'), ('20250911082651'), ('20250924170259'), ('20251023210145');
