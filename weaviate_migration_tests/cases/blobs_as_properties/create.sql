-- Bytes as base64, as the one property that Weaviate returns only where it is named. The key is of bytes, too.
CREATE TABLE things (id BLOB PRIMARY KEY, picture BLOB);
INSERT INTO things VALUES
  (X'01', X'00FF'), (X'02', X'61'), (X'03', X''), (X'04', 'text'), (X'05', 7), (X'06', NULL), (X'07', zeroblob(3000));
