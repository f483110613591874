-- The application's tables, as SQLAlchemy and Alembic would have declared them.
--
-- Two deliberate departures from the shipped mapping, because schemas drift: `conversations` has no `user_id` (the
-- mapping then says "unknown"), and `messages.token_count` and `multimodal_content.thumbnail` are columns that the
-- mapping does not know.

CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE users (
    id VARCHAR NOT NULL PRIMARY KEY, email VARCHAR(255) NOT NULL, display_name VARCHAR(255), is_active BOOLEAN,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP,
    UNIQUE (email)
);
CREATE TABLE search_queries (
    id VARCHAR NOT NULL PRIMARY KEY, user_id VARCHAR, query_text TEXT NOT NULL, results_count INTEGER,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY(user_id) REFERENCES users (id)
);
CREATE TABLE conversations (
    id VARCHAR NOT NULL PRIMARY KEY, title VARCHAR(255),
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP, updated_at DATETIME DEFAULT CURRENT_TIMESTAMP,
    is_active BOOLEAN
);
CREATE TABLE messages (
    id VARCHAR NOT NULL PRIMARY KEY, conversation_id VARCHAR NOT NULL, role VARCHAR(50) NOT NULL, content TEXT NOT NULL,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP,
    tool_calls TEXT, extra_data TEXT, token_count INTEGER,
    FOREIGN KEY(conversation_id) REFERENCES conversations (id)
);
CREATE TABLE documents (
    id VARCHAR NOT NULL PRIMARY KEY, title VARCHAR(500) NOT NULL, content TEXT NOT NULL,
    content_type VARCHAR, file_path VARCHAR, file_size INTEGER, tags JSON,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP, updated_at DATETIME DEFAULT CURRENT_TIMESTAMP,
    is_active BOOLEAN, doc_metadata JSON, vector_id VARCHAR, embedding_model VARCHAR, user_id VARCHAR,
    FOREIGN KEY(user_id) REFERENCES users (id)
);
CREATE TABLE document_chunks (
    id VARCHAR NOT NULL PRIMARY KEY, document_id VARCHAR NOT NULL, content TEXT NOT NULL, chunk_index INTEGER NOT NULL,
    start_position INTEGER, end_position INTEGER, chunk_size INTEGER,
    chunk_metadata JSON, vector_id VARCHAR, embedding_model VARCHAR,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP, updated_at DATETIME DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY(document_id) REFERENCES documents (id)
);
CREATE TABLE agent_interactions (
    id VARCHAR NOT NULL PRIMARY KEY, agent_name VARCHAR(100) NOT NULL, agent_role VARCHAR(100),
    interaction_type VARCHAR(50), input_data TEXT, output_data TEXT, task_metadata JSON,
    execution_time_ms FLOAT, tokens_used INTEGER,
    conversation_id VARCHAR, workflow_id VARCHAR, workflow_type VARCHAR(50), step_number INTEGER,
    status VARCHAR(20), error_message TEXT,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP, completed_at DATETIME,
    FOREIGN KEY(conversation_id) REFERENCES conversations (id)
);
CREATE TABLE multimodal_content (
    id VARCHAR NOT NULL PRIMARY KEY, media_type VARCHAR NOT NULL, filename VARCHAR NOT NULL, file_size INTEGER NOT NULL,
    content_hash VARCHAR, storage_path VARCHAR,
    processing_status VARCHAR, processing_result JSON, error_message TEXT, conversation_id VARCHAR,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP, updated_at DATETIME DEFAULT CURRENT_TIMESTAMP,
    thumbnail BLOB,
    FOREIGN KEY(conversation_id) REFERENCES conversations (id)
);

CREATE INDEX ix_messages_conversation_id ON messages (conversation_id);
CREATE INDEX ix_document_chunks_document_id ON document_chunks (document_id);
CREATE INDEX ix_agent_interactions_conversation_id ON agent_interactions (conversation_id);
CREATE INDEX ix_multimodal_content_conversation_id ON multimodal_content (conversation_id);
