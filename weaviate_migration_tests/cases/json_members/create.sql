CREATE TABLE things (id TEXT PRIMARY KEY, document JSON);
INSERT INTO things VALUES
  ('both', '{"member": "a", "members": ["b"]}'), ('other types', '{"member": 1, "members": [2]}'), ('none', '{}');
