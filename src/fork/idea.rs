//! Which idea an answer lacks, told from how its tests fail.

use super::exercise::{Exercise, Idea};
use super::seen::Endings;
use super::trial::{How, Outcomes, endings};

/// The idea that all known wrong answers lack which end the same tests in the same way; nothing if none
/// does, or if they lack different ones.
///
/// What waits for a task that is not done says nothing, and is left out on both sides.
pub fn missing<'a>(exercise: &'a Exercise, outcomes: &Outcomes) -> Option<&'a Idea> {
    lacking(exercise, &endings(outcomes), |test| matches!(outcomes.get(test), Some(How::Waits(_))))
}

/// The same of tests that ended so, while others wait.
pub fn lacking<'a>(
    exercise: &'a Exercise,
    observed: &Endings,
    waits: impl Fn(&str) -> bool,
) -> Option<&'a Idea> {
    let answers = exercise.seen.answers.iter();
    let alike = answers.filter(|(_, known)| known.fits(observed, &waits)).map(|(name, _)| name);
    let mut ideas = alike.filter_map(|name| of_answer(exercise, name));
    let first = ideas.next()?;
    ideas.all(|other| other == first).then_some(first)
}

/// The idea that a wrong answer lacks.
pub fn of_answer<'a>(exercise: &'a Exercise, name: &str) -> Option<&'a Idea> {
    exercise.plan.idea.iter().find(|idea| idea.answers.iter().any(|answer| answer == name))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::fork::exercise::Plan;
    use crate::fork::seen::{Bad, Ending, Pattern, Seen};
    use crate::fork::trial::Said;

    fn exercise(answers: &[(&str, &[&str])], ideas: &[(&str, &[&str])]) -> Exercise {
        let ending =
            |test: &&str| Ending { test: (*test).into(), bad: Bad::Hung, words: String::new() };
        let answers = answers
            .iter()
            .map(|(name, tests)| ((*name).into(), Pattern::of(tests.iter().map(ending).collect())));
        let idea = |(says, answers): &(&str, &[&str])| Idea {
            says: (*says).into(),
            see: String::new(),
            answers: answers.iter().map(|name| (*name).into()).collect(),
        };
        Exercise {
            package: "x".into(),
            name: String::new(),
            tasks: Vec::new(),
            lang: None,
            plan: Plan { idea: ideas.iter().map(idea).collect(), ..Plan::default() },
            seen: Seen { without: BTreeMap::new(), answers: answers.collect() },
        }
    }

    fn saw(tests: &[(&str, How)]) -> Outcomes {
        tests.iter().map(|(name, how)| ((*name).into(), how.clone())).collect()
    }

    #[test]
    fn an_idea_is_told_where_all_that_fail_so_lack_it() {
        let hung = How::Badly(Bad::Hung, Said { words: "in read".into(), place: String::new() });
        let failed = How::Badly(Bad::Failed, Said { words: String::new(), place: String::new() });
        let waits = How::Waits("task".into());
        let known = exercise(
            &[("a", &["1", "2"]), ("b", &["1"]), ("c", &["3"]), ("d", &["3"]), ("e", &["4", "5"])],
            &[("one", &["a"]), ("two", &["b", "c"]), ("three", &["d"]), ("four", &["e"])],
        );
        let told =
            |tests: &[(&str, How)]| missing(&known, &saw(tests)).map(|idea| idea.says.clone());
        assert_eq!(told(&[("1", hung.clone()), ("2", hung.clone())]).as_deref(), Some("one"));
        assert_eq!(told(&[("1", hung.clone()), ("2", How::Passed)]).as_deref(), Some("two"));
        assert_eq!(told(&[("1", failed)]), None, "it ends in another way");
        assert_eq!(told(&[("3", hung.clone())]), None, "two ideas would fit");
        assert_eq!(told(&[("1", hung.clone()), ("9", hung.clone())]), None, "more fails");
        assert_eq!(told(&[("4", hung), ("5", waits)]).as_deref(), Some("four"));
        assert_eq!(told(&[("1", How::Passed)]), None);
    }
}
