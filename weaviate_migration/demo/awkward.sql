-- What real files have and clean test data lacks: changes made to the rows once they are written.
--
-- Rows are chosen by `rowid`, the order in which they were inserted, so each change hits the same rows every time.
-- None of them makes a row that cannot be migrated.

-- Texts that a default stands in for, and empty ones that are kept.
UPDATE conversations SET title = NULL WHERE rowid % 40 = 3;
UPDATE conversations SET title = '' WHERE rowid % 40 = 17;
UPDATE messages SET content = '' WHERE rowid = 20;
UPDATE messages SET tool_calls = '' WHERE rowid = 22;

-- Dates in other forms: with a T, with microseconds that are zero, none at all, not a date.
UPDATE documents SET updated_at = replace(updated_at, ' ', 'T') WHERE rowid % 50 = 7;
UPDATE conversations SET updated_at = substr(updated_at, 1, 19) || '.000000' WHERE rowid % 50 = 9;
UPDATE messages SET created_at = NULL WHERE rowid % 500 = 31;
UPDATE messages SET created_at = 'yesterday' WHERE rowid = 33;

-- JSON that is null, missing, written by somebody else, or not of the expected shape.
UPDATE documents SET tags = 'null' WHERE rowid % 30 = 5;
UPDATE documents SET tags = NULL WHERE rowid % 60 = 11;
UPDATE documents SET tags = replace(tags, ', ', ',') WHERE rowid % 60 = 13;
UPDATE documents SET tags = json_array('stdlib', 3) WHERE rowid = 14;
UPDATE agent_interactions SET task_metadata = NULL WHERE rowid % 60 = 8;
UPDATE agent_interactions SET task_metadata = json_object('tools_used', 'search_docs') WHERE rowid = 10;
UPDATE multimodal_content SET processing_result = json_object('text', NULL) WHERE rowid = 12;

-- Work that failed, or that no conversation asked for.
UPDATE multimodal_content SET processing_status = 'failed', processing_result = NULL,
    error_message = 'Codec not supported' WHERE rowid % 50 = 6;
UPDATE agent_interactions SET status = 'failed', output_data = NULL, error_message = 'Timed out',
    completed_at = NULL WHERE rowid % 70 = 4;
UPDATE agent_interactions SET conversation_id = NULL WHERE rowid % 80 = 19;

-- Values that do not fit the column's declared type, or the property's.
UPDATE documents SET file_size = 9007199254740993 WHERE rowid = 16;
UPDATE documents SET is_active = 2 WHERE rowid = 18;
UPDATE agent_interactions SET tokens_used = 'about 300' WHERE rowid = 21;
UPDATE agent_interactions SET execution_time_ms = 9e999 WHERE rowid = 23;
