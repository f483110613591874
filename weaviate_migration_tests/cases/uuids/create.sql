-- A UUID in any usual spelling, and as 16 bytes, is the same UUID; only the canonical text says all of the value.
CREATE TABLE things (id TEXT PRIMARY KEY, ident);
INSERT INTO things VALUES
  ('canonical', '550e8400-e29b-41d4-a716-446655440000'), ('capitals', '550E8400-E29B-41D4-A716-446655440000'),
  ('plain', '550e8400e29b41d4a716446655440000'), ('braces', '{550e8400-e29b-41d4-a716-446655440000}'),
  ('urn', 'urn:uuid:550e8400-e29b-41d4-a716-446655440000'), ('blob', X'550E8400E29B41D4A716446655440000'),
  ('other hyphens', '550e-8400-e29b-41d4-a716-4466-5544-0000'), ('short blob', X'550E'), ('number', 550), ('null', NULL);
CREATE TABLE others (id UUID PRIMARY KEY, thing UUID);
INSERT INTO others VALUES
  ('550e8400-e29b-41d4-a716-446655440001', '550e8400-e29b-41d4-a716-446655440000'),
  ('550e8400-e29b-41d4-a716-446655440002', NULL);
