"""A file that sqlite-utils made: full-text search, tables that it extracted and transformed, counts by triggers."""

from pathlib import Path

from sqlite_utils import Database


def make(file: Path) -> None:
    database = Database(file)
    dogs = database.table("dogs")
    dogs.insert_all(map(_dog, range(50)), pk="id", column_order=["id", "name"])
    dogs.enable_fts(["name", "notes"], create_triggers=True, tokenize="porter")
    dogs.extract("breed", table="breeds", fk_column="breed_id")
    dogs.transform(types={"age": str}, rename={"weight": "weight kg"}, not_null={"name"})
    database.table("owners").insert_all(
        ({"town": f"Town {number % 3}", "house": number, "name": f"Owner {number}"} for number in range(9)),
        pk=("town", "house"),
        strict=True,
    )
    for number in (1, 2, 3):
        dogs.update(number).m2m("toys", {"id": number, "toy": f"ball {number}"}, pk="id")
    database.table("log").insert_all({"at": f"2026-01-0{number}T10:00:00", "line": "woof"} for number in range(1, 8))
    database.table("settings").insert({"key": "theme", "value": '{"dark": true}'}, hash_id="digest")
    database.create_view("heavy", 'select id, name from dogs where "weight kg" > 20')
    database.table("log").enable_counts()
    database.close()


def write_more(file: Path) -> None:
    database = Database(file)
    dogs = database.table("dogs")
    dogs.upsert({"id": 3, "name": "Rex the third", "notes": "moved"}, pk="id")
    dogs.insert({"id": 50, "name": "Bello", "notes": "new here", "breed_id": 1})
    dogs.delete(7)
    database.table("owners").upsert({"town": "Town 1", "house": 1, "name": "Somebody else"}, pk=("town", "house"))
    database.table("log").insert({"at": "2026-01-09T10:00:00", "line": "wuff"})
    database.close()


def _dog(number: int) -> dict[str, object]:
    return {
        "id": number,
        "name": f"Dog {number}",
        "notes": f"likes balls, größer than {number} others",
        "breed": ("Dackel", "Collie", "Mops")[number % 3],
        "age": number % 15,
        "weight": number * 0.7,
        "vaccinated": number % 2 == 0,
        "tags": [f"t{number % 4}", "dog"],
        "photo": bytes([number, 0, 255]) if number % 5 == 0 else None,
    }
