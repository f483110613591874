-- Embeddings of two models in one column: six of two numbers, four of three.
CREATE TABLE embeddings (id TEXT PRIMARY KEY, embedding BLOB);
INSERT INTO embeddings VALUES
 ('short 0', x'0000003f000080bf'),
 ('short 1', x'0000c03f000080bf'),
 ('short 2', x'00002040000080bf'),
 ('short 3', x'00006040000080bf'),
 ('short 4', x'00009040000080bf'),
 ('short 5', x'0000b040000080bf'),
 ('long 0', x'0000803f000000000000803e'),
 ('long 1', x'0000803f0000803f0000803e'),
 ('long 2', x'0000803f000000400000803e'),
 ('long 3', x'0000803f000040400000803e');
