"""Rows of the application's tables that no collection is made from; the audit lists them as not migrated."""

from weaviate_migration.demo.values import FIRST_DAY, Row, date_text, key_for

USER_NAMES = ("Ada", "Grace", "Guido")
_PAST_QUERIES = (("merge sorted lists", 7), ("temporary directory", 12), ("why is 0.1 + 0.2 not 0.3 🧮", 0))


def alembic_version_rows() -> list[Row]:
    """The one row in which Alembic keeps the revision of the schema."""
    return [{"version_num": "8f3c2a91d7e4"}]


def user_rows() -> list[Row]:
    """Three people."""
    return [
        {
            "id": key_for("users", name),
            "email": f"{name.lower()}@example.org",
            "display_name": name,
            "is_active": 1,
            "created_at": date_text(FIRST_DAY),
        }
        for name in USER_NAMES
    ]


def search_query_rows() -> list[Row]:
    """What each of them once searched for."""
    return [
        {
            "id": key_for("search_queries", query),
            "user_id": key_for("users", name),
            "query_text": query,
            "results_count": results,
            "created_at": date_text(FIRST_DAY),
        }
        for name, (query, results) in zip(USER_NAMES, _PAST_QUERIES, strict=True)
    ]
