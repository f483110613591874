-- A chat names its newest message, each message its chat and the one before; one is its own parent. Two more tables
-- name each other in a circle with the chats, and one all of them, twice.
CREATE TABLE chat (id TEXT PRIMARY KEY, title TEXT, current_message_id TEXT REFERENCES message (id), owner TEXT);
CREATE TABLE message (id TEXT PRIMARY KEY, chat_id TEXT NOT NULL REFERENCES chat (id),
  parent_id TEXT REFERENCES message (id), body TEXT);
CREATE TABLE person (id TEXT PRIMARY KEY, title TEXT, chat_id TEXT, boss TEXT REFERENCES person (id));
CREATE TABLE link (id TEXT PRIMARY KEY, title TEXT, from_chat TEXT, to_chat TEXT, message_id TEXT);
INSERT INTO chat VALUES ('c1', 'first', 'm3', 'p1'), ('c2', 'empty', NULL, 'p2'), ('c3', 'dangling', 'gone', NULL);
INSERT INTO message VALUES ('m1', 'c1', NULL, 'root'), ('m2', 'c1', 'm1', 'answer'), ('m3', 'c1', 'm2', 'more'),
  ('m4', 'c3', 'm4', 'own parent');
INSERT INTO person VALUES ('p1', 'boss', 'c1', 'p1'), ('p2', 'other', 'c2', 'p1');
INSERT INTO link VALUES ('l1', 'to itself', 'c1', 'c1', 'm1'), ('l2', 'on', 'c1', 'c2', 'm4');
