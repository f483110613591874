"""What several machines share, as real programs on the loopback: Redis, PostgreSQL, an S3 server, Celery workers.

Each is a context manager or has `start`, `kill` and `stop`; `conftest.py` at the top has fixtures of those that serve a
whole run of tests. Where a program is missing the tests fail, so that nobody takes their absence for success;
`WEAVIATE_MIGRATION_NO_CLUSTER=1` leaves them out on purpose.
"""
