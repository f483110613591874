-- A message is in one collection or the other, in both (4) or in none (5); a reply is to a message in either.
CREATE TABLE messages (id INTEGER PRIMARY KEY, role TEXT, body TEXT, reply_to INTEGER);
INSERT INTO messages VALUES (1, 'user', 'question', NULL), (2, 'assistant', 'answer', 1), (3, 'user', 'thanks', 2),
  (4, 'both', 'note', 99), (5, NULL, 'of nobody', NULL);
