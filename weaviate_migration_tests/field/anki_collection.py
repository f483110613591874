"""A collection of Anki: decks, notes with fields and tags, cards that were answered."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anki.collection import Collection
from anki.decks import DeckId

CARDS = 12


def make(file: Path) -> None:
    with _opened(file) as collection:
        deck = collection.decks.id("Deutsch::Wörter")
        assert deck is not None
        for number in range(CARDS):
            _note(collection, deck, number)
        _answer(collection, deck, 6)


def write_more(file: Path) -> None:
    with _opened(file) as collection:
        deck = collection.decks.id("Deutsch::Wörter")
        assert deck is not None
        _note(collection, deck, CARDS)
        _answer(collection, deck, 3)
        first, second, *_ = sorted(collection.find_notes(""))
        note = collection.get_note(first)
        note["Back"] = "changed"
        note.add_tag("Seen")
        collection.update_note(note)
        collection.remove_notes([second])


@contextmanager
def _opened(file: Path) -> Iterator[Collection]:
    collection = Collection(str(file))
    try:
        yield collection
    finally:
        collection.close()


def _note(collection: Collection, deck: DeckId, number: int) -> None:
    kind = collection.models.by_name("Basic (and reversed card)" if number % 2 else "Basic")
    assert kind is not None
    note = collection.new_note(kind)
    note["Front"], note["Back"] = f"das {number}. Wort", f"the <b>{number}th</b> word"
    note.tags = ["numbers", f"Mod::{number % 3}"]
    collection.add_note(note, deck)


def _answer(collection: Collection, deck: DeckId, cards: int) -> None:
    collection.decks.select(deck)
    for _ in range(cards):
        card = collection.sched.getCard()
        if card is not None:
            collection.sched.answerCard(card, 3)
