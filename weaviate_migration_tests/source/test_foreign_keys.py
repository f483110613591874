from contextlib import closing
from pathlib import Path

from weaviate_migration.source.connect import connect_to_read
from weaviate_migration.source.foreign_keys import ForeignKey, foreign_keys
from weaviate_migration_tests.source.databases import make


def test_foreign_keys_as_they_are_declared(tmp_path: Path) -> None:
    source = make(
        tmp_path / "app.db",
        """CREATE TABLE "odd 'child'" (
            a INTEGER REFERENCES parent,
            b INTEGER REFERENCES [no such table] (id),
            c, d,
            own INTEGER REFERENCES "odd 'child'" (a),
            FOREIGN KEY (c, d) REFERENCES pairs (second, first)
        )""",
        "CREATE TABLE childless (id)",
    )
    with closing(connect_to_read(source)) as connection:
        assert foreign_keys(connection, "odd 'child'") == [
            ForeignKey(("a",), "parent", ()),
            ForeignKey(("b",), "no such table", ("id",)),
            ForeignKey(("own",), "odd 'child'", ("a",)),
            ForeignKey(("c", "d"), "pairs", ("second", "first")),
        ]
        assert foreign_keys(connection, "childless") == []
