"""The library of beets, which keeps music: albums, items, attributes that plugins and people add."""

from pathlib import Path

from beets.library import Item, Library


def make(file: Path) -> None:
    library = Library(str(file), str(file.parent / "music"))
    for album in range(3):
        library.add_album([_item(file, album, track) for track in range(4)])


def write_more(file: Path) -> None:
    library = Library(str(file), str(file.parent / "music"))
    library.add_album([_item(file, 3, 0)])
    first, second, *_ = library.items("album:'Album 1'")
    first.mood = "fröhlich"
    first.store()
    second.remove()


def _item(file: Path, album: int, track: int) -> Item:
    return Item(
        title=f"Lied {track}",
        album=f"Album {album}",
        albumartist="Ünal",
        genres=["Jazz", "Folk"],
        track=track,
        year=1970 + album,
        length=180.25 + track,
        comp=album == 2,
        mtime=1_700_000_000.5,
        path=str(file.parent / "music" / f"{album}-{track}.mp3").encode(),
        added_by="the field",
    )
