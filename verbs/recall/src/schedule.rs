//! When a card is asked again: FSRS-6 with its default weights, in whole days.
//!
//! No scheduler stands around it. What a card's reviews have left in memory is computed from their
//! days and grades, one after the other, as it was when each was written.

use anyhow::{Context, Result};
use book::recall::day::Day;
use book::recall::log::{Grade, Review};
use fsrs::{FSRS, ItemState, MemoryState, NextStates};

/// How many of ten cards are to be known when they are asked.
const RETENTION: f32 = 0.9;

/// The day on which a card is asked again, which had these reviews and now gets this grade.
pub fn due(reviews: &[Review], today: Day, grade: Grade) -> Result<Day> {
    let model = FSRS::default();
    let mut memory = None;
    let mut last = None;
    for review in reviews {
        memory = Some(step(&model, memory, last, review.day, review.grade)?.memory);
        last = Some(review.day);
    }
    let now = step(&model, memory, last, today, grade)?;
    // An interval is at least a day, and at most a hundred years.
    Ok(today.plus(now.interval.round().max(1.0) as u32))
}

fn step(
    model: &FSRS,
    memory: Option<MemoryState>,
    last: Option<Day>,
    day: Day,
    grade: Grade,
) -> Result<ItemState> {
    let passed = last.map_or(0, |last| day.since(last));
    let states = model.next_states(memory, RETENTION, passed);
    let NextStates { again, hard, good, easy } =
        states.context("FSRS can't say when this card is due")?;
    Ok(match grade {
        Grade::Forgot => again,
        Grade::Hard => hard,
        Grade::Good => good,
        Grade::Easy => easy,
    })
}

#[cfg(test)]
mod tests {
    use book::recall::log::{Event, History, What};

    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    /// Reviews of these grades, each on the day that the one before made due.
    fn after(grades: &[Grade]) -> Vec<Review> {
        let (mut reviews, mut today) = (Vec::new(), day("2026-11-26"));
        for &grade in grades {
            let due = due(&reviews, today, grade).unwrap();
            reviews.push(Review { at: String::new(), day: today, grade, due });
            today = due;
        }
        reviews
    }

    fn intervals(grades: &[Grade]) -> Vec<u32> {
        after(grades).iter().map(|review| review.due.since(review.day)).collect()
    }

    #[test]
    fn intervals_grow_with_good_answers_and_shrink_when_forgotten() {
        use Grade::{Easy, Forgot, Good, Hard};
        assert_eq!(intervals(&[Good, Good, Good, Forgot, Good]), [2, 11, 46, 3, 8]);
        let first = |grade| intervals(&[grade])[0];
        assert_eq!([Forgot, Hard, Good, Easy].map(first), [1, 1, 2, 8]);
    }

    /// `tests/due.mjs` has written that log with ts-fsrs.
    #[test]
    fn another_implementation_says_the_same_days_for_a_thousand_reviews() {
        let mut history = History::default();
        let mut compared = 0;
        for line in include_str!("../tests/due.jsonl").lines() {
            let event: Event = serde_json::from_str(line).unwrap();
            let What::Review { card, grade, due: theirs } = &event.what else { panic!("{line}") };
            let reviews = history.cards.entry(card.clone()).or_default();
            assert_eq!(due(reviews, event.day, *grade).unwrap(), *theirs, "{line}");
            let (at, day, grade, due) = (event.at, event.day, *grade, *theirs);
            reviews.push(Review { at, day, grade, due });
            compared += 1;
        }
        assert_eq!(compared, 1000);
    }

    #[test]
    fn a_clock_set_back_is_no_time_and_loses_nothing() {
        let reviews = after(&[Grade::Good, Grade::Good]);
        let back = due(&reviews, day("2020-01-01"), Grade::Good).unwrap();
        let same = due(&reviews, reviews[1].day, Grade::Good).unwrap();
        assert_eq!(back.since(day("2020-01-01")), same.since(reviews[1].day));
    }
}
