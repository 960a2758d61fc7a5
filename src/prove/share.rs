//! A part of a proof that takes long: all parts in turn prove everything.

use std::str::FromStr;

/// Every so manyth of some things: of as many shares as there are, the one with this number, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    number: usize,
    of: usize,
}

impl Share {
    /// Keeps what this share has.
    pub fn keep<T>(self, all: &mut Vec<T>) {
        let mut at = 0..;
        all.retain(|_| at.next().is_some_and(|at: usize| at % self.of == self.number - 1));
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Share, String> {
        let numbers = text.split_once('/').and_then(|(number, of)| {
            Some(Share { number: number.parse().ok()?, of: of.parse().ok()? })
        });
        numbers.filter(|share| (1..=share.of).contains(&share.number)).ok_or_else(|| {
            format!("`{text}` is no share: the third of ten is 3/10, and the last is 10/10")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_numbered_from_1_and_have_everything_once() {
        let share = |text: &str| text.parse::<Share>();
        let mut seen = [0; 23];
        for number in 1..=10 {
            let share = share(&format!("{number}/10")).unwrap();
            let mut all: Vec<usize> = (0..seen.len()).collect();
            share.keep(&mut all);
            all.into_iter().for_each(|at| seen[at] += 1);
        }
        assert_eq!(seen, [1; 23]);
        for no in ["", "3", "0/10", "11/10", "1/0", "a/b", "-1/10", "1/10/2"] {
            assert!(share(no).unwrap_err().contains("the third of ten is 3/10"), "{no}");
        }
    }
}
