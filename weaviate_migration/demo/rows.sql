-- What the application has written, made from what `sqlite_file.py` gives: the temporary tables `modules` and
-- `exchanges` (see `contents.py`), and the functions
--   key(table, name)                         the UUID that is the key of the row with this name
--   filed(serial, hours)                     when a document was stored, and so many hours later
--   said(serial, position, milliseconds)     when this message of a conversation was written, and a little later
--   pieces(text)                             start and end of each chunk, as JSON
--   sha256(text), json_text(value)

-- Tables that no collection is made from; the audit lists them as not migrated.
INSERT INTO alembic_version VALUES ('8f3c2a91d7e4');

INSERT INTO users (id, email, display_name, is_active, created_at)
SELECT key('users', value), lower(value) || '@example.org', value, 1, '2024-03-01 08:00:00'
FROM json_each('["Ada", "Grace", "Guido"]');

INSERT INTO search_queries (id, user_id, query_text, results_count, created_at)
SELECT key('search_queries', column2), key('users', column1), column2, column3, '2024-03-01 08:00:00'
FROM (VALUES
    ('Ada', 'merge sorted lists', 7),
    ('Grace', 'temporary directory', 12),
    ('Guido', 'why is 0.1 + 0.2 not 0.3 🧮', 0)
);

-- A conversation about each public module.
INSERT INTO conversations (id, title, created_at, updated_at, is_active)
SELECT key('conversations', module), 'Questions about ' || module, said(serial, 0, 0), said(serial, 2 * count(*), 0),
    serial % 5 > 0
FROM exchanges GROUP BY serial, module ORDER BY serial;

-- A message for each question and for each answer; for some answers the application called a tool.
INSERT INTO messages (id, conversation_id, role, content, created_at, tool_calls, extra_data, token_count)
SELECT key('messages', module || '/' || position), key('conversations', module), role, content, said(serial, position, 0),
    iif(position % 6 = 3, printf('[{"name": "search_docs", "arguments": {"query": "%s", "limit": 5}}]', subject), NULL),
    iif(role = 'user', printf('{"position": %d}', position), NULL),
    length(content) / 4
FROM (
    SELECT *, 2 * number AS position, 'user' AS role, question AS content FROM exchanges
    UNION ALL
    SELECT *, 2 * number + 1, 'assistant', answer FROM exchanges
) ORDER BY serial, position;

-- A document for each module. Every fourth has a key that is no UUID, as in applications that changed their minds.
INSERT INTO documents (
    id, title, content, content_type, file_path, file_size, tags, created_at, updated_at, is_active, doc_metadata,
    vector_id, embedding_model, user_id
)
SELECT iif(serial % 4, key('documents', name), 'doc:' || name), title, content, 'text/x-python', path, size,
    printf('["stdlib", "%s", "%s"]', substr(name, 1, instr(name || '.', '.') - 1), iif(public, 'public', 'private')),
    filed(serial, 0), filed(serial, serial % 50), public,
    printf('{"module": "%s", "objects": %d}', name, objects),
    printf('vec-%05d', serial), 'text-embedding-3-small', (SELECT id FROM users WHERE rowid = serial % 3 + 1)
FROM modules ORDER BY serial;

-- One document is notes: it is not plain ASCII, and came from no file, so that what a file would tell is NULL.
INSERT INTO documents (id, title, content, content_type, tags, created_at, updated_at, is_active)
SELECT 'doc:notes/floats-🧮', 'Notes: why 𝟎.𝟏 + 𝟎.𝟐 is not 𝟎.𝟑 🧮',
    group_concat(
        replace('#. For 𝒙 ∈ ℝ the float nearest to 𝒙 is 𝒇(𝒙) = 𝒔 · 𝟐ᵉ with a 53-bit 𝒔, so 𝟏/𝟏𝟎 is stored a little too '
            || 'large 📈 and 𝟑/𝟏𝟎 a little too small 📉. Adding # rounded numbers adds up to # roundings; `math.fsum` '
            || 'rounds only once, `decimal` rounds as on paper 📝, and `fractions` does not round at all. 🐍', '#', value),
        char(10, 10)
    ),
    'text/markdown', '["notes", ' || json_text('𝒇(𝒙)') || ', ' || json_text('🧮') || ']', '2024-03-01 08:00:00', NULL, 1
FROM json_each('[2, 3, 4, 5, 6, 7, 8, 9]');

-- The chunks of a document are numbered from 0. Positions count characters (Unicode code points) of its content.
INSERT INTO document_chunks (
    id, document_id, content, chunk_index, start_position, end_position, chunk_size, chunk_metadata, embedding_model,
    created_at, updated_at
)
SELECT key('document_chunks', id || '/' || number), id, substr(content, start + 1, size), number, start, start + size,
    size, printf('{"part": %d}', number + 1), embedding_model, created_at, updated_at
FROM (
    SELECT documents.*, documents.rowid AS document, piece.key AS number, json_extract(piece.value, '$[0]') AS start,
        json_extract(piece.value, '$[1]') - json_extract(piece.value, '$[0]') AS size
    FROM documents, json_each(pieces(content)) AS piece
) ORDER BY document, number;

-- Two agents have worked on each conversation's first answer: one searched, one wrote.
INSERT INTO agent_interactions (
    id, agent_name, agent_role, interaction_type, input_data, output_data, task_metadata, execution_time_ms,
    tokens_used, conversation_id, workflow_id, workflow_type, step_number, status, created_at, completed_at
)
SELECT key('agent_interactions', module || '/' || step), agent, role, 'task', question, answer,
    printf('{"tools_used": [%s], "subject": "%s"}', tools, subject), milliseconds, length(question || answer) / 4,
    key('conversations', module), printf('workflow-%04d', serial), 'sequential', step, 'completed',
    said(serial, step, 0), said(serial, step, milliseconds)
FROM (
    SELECT *, column1 AS step, column2 AS agent, column3 AS role, column4 AS tools,
        (serial * 37 % 1000 + column1) / 7.0 AS milliseconds
    FROM exchanges, (VALUES
        (1, 'docs_searcher', 'retrieval', '"search_docs"'),
        (2, 'answer_writer', 'generation', '"search_docs", "read_signature"')
    ) WHERE number = 0
) ORDER BY serial, step;

-- For every second conversation a diagram and what was recognised in it (its thumbnail is a PNG of one grey pixel), for
-- each of the others a recording and what was said in it.
INSERT INTO multimodal_content (
    id, media_type, filename, file_size, content_hash, storage_path, processing_status, processing_result,
    conversation_id, created_at, updated_at, thumbnail
)
SELECT key('multimodal_content', filename), media_type, filename, 1000 + 40 * length(text), sha256(filename),
    'media/' || substr(sha256(filename), 1, 2) || '/' || sha256(filename), 'completed',
    printf('{"text": %s, %s}', json_text(text), measures), key('conversations', module), said(serial, 0, 0),
    said(serial, 1, 0), thumbnail
FROM (
    SELECT exchanges.serial, module, 'image' AS media_type, module || '.svg' AS filename,
        printf('Diagram of the module %s: %s', module, iif(objects, first_objects, 'no public objects')) AS text,
        '"width": 1280, "height": 720' AS measures,
        x'89504E470D0A1A0A0000000D49484452000000010000000108000000003A7E9B550000000A49444154789C636800000082008177CD72B60000000049454E44AE426082'
            AS thumbnail
    FROM exchanges JOIN modules ON name = module WHERE number = 0 AND exchanges.serial % 2 = 0
    UNION ALL
    SELECT serial, module, 'audio', module || '.mp3', question || ' ' || answer,
        printf('"seconds": %s', round(length(question || ' ' || answer) / 15.0, 1)), NULL
    FROM exchanges WHERE number = 0 AND serial % 2 = 1
) ORDER BY serial;
