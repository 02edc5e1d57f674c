SET timezone = 'UTC';

INSERT INTO rule_translations (rule_id, language, text)
  SELECT r.id, t.language, t.text FROM rules r JOIN (VALUES
    (0, 'en', 'Do not harass anybody'), (1, 'en', 'No accounts for advertising only'), (2, 'en', 'Obey the law of Japan'),
    (0, 'ja', '嫌がらせをしない'), (1, 'ja', '宣伝だけのアカウントは作らない'), (2, 'ja', '日本の法律を守る')
  ) AS t (priority, language, text) USING (priority);
INSERT INTO tag_trends (tag_id, score, rank, allowed, language) VALUES (1, 3, 1, true, 'en'), (2, 2, 2, true, 'ja');
INSERT INTO schema_migrations (version) VALUES
  ('20241104082851'), ('20241111141355'), ('20250129144440'), ('20250313123400'), ('20250422083912'), ('20250605110215');
