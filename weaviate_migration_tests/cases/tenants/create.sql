-- A key is told apart within its tenant. Each value that cannot be a tenant's name has a name of its own.
CREATE TABLE things (id, org, words TEXT);
INSERT INTO things VALUES
  ('a', 'acme', 'of acme'), ('a', 'Acme', 'of Acme'), ('b', 'acme', 'first'), ('b', 'acme', 'twin'),
  ('c', NULL, 'of nobody'), (1, 7, 'integer'), (2, '7', 'text'), (3, 7.0, 'real'), (4, x'37', 'blob'), (5, '', 'empty'),
  (6, 'Zoë', 'no ASCII'), (7, 't_1', 'like a hash'), (8, '-_', 'signs'),
  (9, '0123456789012345678901234567890123456789012345678901234567890123', 'as long as it may be'),
  (10, '01234567890123456789012345678901234567890123456789012345678901234', 'too long');
