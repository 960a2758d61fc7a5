"""Imports packages into a new collection with Anki's own library, one after the other, and says what
is in it after each: a line of JSON.

    pip install anki==26.9.3
    python3 import.py one.apkg another.apkg
"""

import json
import sys
import tempfile

from anki.collection import Collection, ImportAnkiPackageOptions, ImportAnkiPackageRequest

with tempfile.TemporaryDirectory() as folder:
    collection = Collection(folder + "/collection.anki2")
    for package in sys.argv[1:]:
        options = ImportAnkiPackageOptions(with_scheduling=False)
        log = collection.import_anki_package(
            ImportAnkiPackageRequest(package_path=package, options=options)
        ).log
        notes = [collection.get_note(note) for note in collection.find_notes("")]
        decks = {}
        for card in collection.find_cards(""):
            name = collection.decks.name(collection.get_card(card).did)
            decks[name] = decks.get(name, 0) + 1
        first = collection.get_card(collection.find_cards("")[0])
        print(
            json.dumps(
                {
                    "notes": {note.guid: note.fields for note in notes},
                    "decks": decks,
                    "new": len(log.new),
                    "updated": len(log.updated),
                    "back": first.answer(),
                }
            )
        )
    collection.close()
