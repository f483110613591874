-- None of these is the same key as another: not even those that look alike.
CREATE TABLE things (id BLOB PRIMARY KEY, words TEXT);
INSERT INTO things VALUES (1, 'integer'), ('1', 'text'), (x'31', 'blob'), (1.5, 'real');
