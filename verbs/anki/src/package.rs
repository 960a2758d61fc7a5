//! An `.apkg`: a ZIP of a database in Anki's schema 11, the one that all of its programs read, and of a
//! list of pictures, of which there are none.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Cursor, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use book::recall::deck::Card;
use rusqlite::{Connection, params};
use serde_json::{Map, Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::text::{escaped, html};

/// What all decks begin with.
const BOOK: &str = "Async Rust, by Heart";

/// The kind of note, by a number that stays the same.
const MODEL: i64 = 1_764_115_200_000;

/// Anki parts the fields of a note so.
const FIELDS_APART: &str = "\u{1f}";

const SCHEMA: &str = "
create table col (id integer primary key, crt integer not null, mod integer not null,
    scm integer not null, ver integer not null, dty integer not null, usn integer not null,
    ls integer not null, conf text not null, models text not null, decks text not null,
    dconf text not null, tags text not null);
create table notes (id integer primary key, guid text not null, mid integer not null,
    mod integer not null, usn integer not null, tags text not null, flds text not null,
    sfld integer not null, csum integer not null, flags integer not null, data text not null);
create table cards (id integer primary key, nid integer not null, did integer not null,
    ord integer not null, mod integer not null, usn integer not null, type integer not null,
    queue integer not null, due integer not null, ivl integer not null, factor integer not null,
    reps integer not null, lapses integer not null, left integer not null, odue integer not null,
    odid integer not null, flags integer not null, data text not null);
create table revlog (id integer primary key, cid integer not null, usn integer not null,
    ease integer not null, ivl integer not null, lastIvl integer not null, factor integer not null,
    time integer not null, type integer not null);
create table graves (usn integer not null, oid integer not null, type integer not null);
create index ix_notes_csum on notes (csum);
create index ix_cards_nid on cards (nid);
";

/// The package of these cards.
pub fn of(cards: &[Card]) -> Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    zip.start_file("collection.anki2", stored)?;
    zip.write_all(&collection(cards)?)?;
    zip.start_file("media", stored)?;
    zip.write_all(b"{}")?;
    Ok(zip.finish()?.into_inner())
}

fn collection(cards: &[Card]) -> Result<Vec<u8>> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("collection.anki2");
    // A note that is there already is reworded if this is later than its own time.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(now.as_secs())?;
    {
        let mut database = Connection::open(&file)?;
        database.execute_batch(SCHEMA)?;
        let filling = database.transaction()?;
        let decks = decks(cards, now);
        filling.execute(
            "insert into col values (1, ?1, ?1, ?2, 11, 0, 0, 0, ?3, ?4, ?5, ?6, '{}')",
            params![
                now,
                now * 1000,
                json!({ "curDeck": 1, "curModel": MODEL.to_string(), "nextPos": cards.len() + 1 })
                    .to_string(),
                json!({ MODEL.to_string(): model(now) }).to_string(),
                Value::Object(decks).to_string(),
                json!({ "1": options() }).to_string(),
            ],
        )?;
        let mut ids = BTreeSet::new();
        for (at, card) in (1_i64..).zip(cards) {
            let mut id = number(&card.id);
            while !ids.insert(id) {
                id += 1;
            }
            let question = html(&card.question);
            let from = escaped(&card.told_in().replace('*', ""));
            let fields = [question.as_str(), &html(&card.answer), &from].join(FIELDS_APART);
            filling.execute(
                "insert into notes values (?1, ?2, ?3, ?4, -1, '', ?5, ?6, 0, 0, '')",
                params![id, card.id, MODEL, now, fields, question],
            )?;
            filling.execute(
                "insert into cards values (?1, ?1, ?2, 0, ?3, -1, 0, 0, ?4, 0, 0, 0, 0, 0, 0, 0, 0, '')",
                params![id, number(&deck(card)), now, at],
            )?;
        }
        filling.commit()?;
    }
    Ok(fs::read(file)?)
}

/// The name of a card's deck. Two colons would begin one more below it.
fn deck(card: &Card) -> String {
    format!("{BOOK}::{}", card.part.replace("::", ":"))
}

/// A number for a name, which stays the same: a time in milliseconds is what Anki takes for one.
fn number(name: &str) -> i64 {
    // FNV-1a, as no hasher of std promises to stay what it is.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    1_500_000_000_000 + (hash % 250_000_000_000) as i64
}

fn decks(cards: &[Card], now: i64) -> Map<String, Value> {
    let of = |id: i64, name: &str| {
        json!({
            "id": id, "name": name, "mod": now, "usn": -1, "desc": "", "dyn": 0, "conf": 1,
            "collapsed": false, "browserCollapsed": false, "extendNew": 0, "extendRev": 0,
            "newToday": [0, 0], "revToday": [0, 0], "lrnToday": [0, 0], "timeToday": [0, 0],
        })
    };
    let names: BTreeSet<String> = cards.iter().map(deck).chain([BOOK.to_owned()]).collect();
    let mut decks = Map::from_iter([("1".to_owned(), of(1, "Default"))]);
    decks.extend(names.iter().map(|name| (number(name).to_string(), of(number(name), name))));
    decks
}

fn model(now: i64) -> Value {
    let field = |(ord, name)| json!({ "name": name, "ord": ord, "font": "Arial", "size": 20, "media": [], "rtl": false, "sticky": false });
    let fields: Vec<Value> = (0..).zip(["Question", "Answer", "From"]).map(field).collect();
    json!({
        "id": MODEL, "name": BOOK, "type": 0, "mod": now, "usn": -1, "sortf": 0, "did": 1, "tags": [],
        "vers": [], "flds": fields, "req": [[0, "any", [0]]], "latexPre": "", "latexPost": "",
        "css": ".card { font: 20px sans-serif; margin: 1em auto; max-width: 38em; text-align: left; }\n\
                code { font-family: monospace; white-space: pre-wrap; }\n\
                .from { color: gray; font-size: 80%; }\n",
        "tmpls": [{
            "name": "Card", "ord": 0, "did": null, "bqfmt": "", "bafmt": "",
            "qfmt": "{{Question}}",
            "afmt": "{{FrontSide}}<hr id=answer>{{Answer}}<p class=\"from\">{{From}}</p>",
        }],
    })
}

/// The options of a deck as Anki has them at first.
fn options() -> Value {
    json!({
        "id": 1, "name": "Default", "mod": 0, "usn": 0, "maxTaken": 60, "autoplay": true, "timer": 0,
        "replayq": true, "dyn": false,
        "new": { "bury": false, "delays": [1.0, 10.0], "initialFactor": 2500, "ints": [1, 4, 0], "order": 1, "perDay": 20 },
        "rev": { "bury": false, "ease4": 1.3, "hardFactor": 1.2, "ivlFct": 1.0, "maxIvl": 36500, "perDay": 200 },
        "lapse": { "delays": [10.0], "leechAction": 1, "leechFails": 8, "minInt": 1, "mult": 0.0 },
    })
}
