-- Larger than the server takes in one message: it goes to quarantine alone, the others are written.
CREATE TABLE things (id TEXT PRIMARY KEY, words TEXT);
INSERT INTO things VALUES ('a', 'before'), ('large', printf('%.104900000c', 'x')), ('z', 'after');
