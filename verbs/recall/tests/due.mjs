// Another implementation of FSRS-6 says when a thousand reviews make their cards due: writes `due.jsonl`,
// a log of the book, with which a test compares what the book says.
//
//     npm install ts-fsrs@5.4.2     in a folder elsewhere, and run this file in it
//     node due.mjs > due.jsonl
//
// Its low-level functions are called, those that no scheduler with steps of its own stands around.
import { FSRSAlgorithm, generatorParameters } from "ts-fsrs";

const fsrs = new FSRSAlgorithm(generatorParameters({ enable_fuzz: false, request_retention: 0.9 }));
const iso = (day) => new Date(day * 864e5).toISOString().slice(0, 10);
const grades = ["forgot", "hard", "good", "easy"];

// A generator of random numbers, so that each run writes the same.
let seed = 20261126;
const below = (n) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * n);
};

const cards = Array.from({ length: 60 }, (_, n) => ({ id: `card-${n}`, memory: null, day: 20783, due: 20783 }));
for (let n = 0; n < 1000; n++) {
    const card = cards[below(cards.length)];
    // On its day, late, early, on the same day again, and with a clock that was set back.
    const day = [card.due, card.due, card.due + below(40), card.day + below(5), card.day, card.day - below(30)][below(6)];
    const grade = [0, 1, 2, 2, 2, 2, 3][below(7)];
    const passed = card.memory ? Math.max(0, day - card.day) : 0;
    card.memory = fsrs.next_state(card.memory, passed, grade + 1);
    card.day = day;
    card.due = day + fsrs.next_interval(card.memory.stability, 0);
    const at = new Date(20783 * 864e5 + n * 60000).toISOString();
    console.log(JSON.stringify({ at, day: iso(day), event: "review", card: card.id, grade: grades[grade], due: iso(card.due) }));
}
