//! Days, as a reader counts them: by the date where they are.

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Serialize};

/// The variable that says which day it is, for who tries out what the days to come will bring.
const TODAY: &str = "BOOK_TODAY";

/// A date of the Gregorian calendar, from year 1 to 9999, written as `2026-11-29`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(
    /// Days since 1970-01-01.
    i64,
);

impl Day {
    /// The local date, or the one that `BOOK_TODAY` says.
    pub fn today() -> Result<Day> {
        match std::env::var_os(TODAY) {
            Some(day) => {
                let day = day.to_string_lossy().into_owned();
                day.parse().with_context(|| format!("the variable {TODAY}"))
            }
            None => local(seconds_now()),
        }
    }

    /// The day that is so many days later; the last one there is, where that is too far.
    pub fn plus(self, days: u32) -> Day {
        Day((self.0 + i64::from(days)).min(number(9999, 12, 31)))
    }

    /// How many days have passed since `earlier`: none, where a clock was set back.
    pub fn since(self, earlier: Day) -> u32 {
        u32::try_from((self.0 - earlier.0).max(0)).unwrap_or(u32::MAX)
    }

    /// Year, month and day of the month.
    fn civil(self) -> (i64, i64, i64) {
        // Years that begin in March end with their leap day.
        let of_era = |days: i64| (days - days / 1460 + days / 36524 - days / 146_096) / 365;
        let shifted = self.0 + 719_468;
        let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year = of_era(day);
        let of_year = day - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let (of_month, month) = (of_year - (153 * month + 2) / 5 + 1, (month + 2) % 12 + 1);
        (era * 400 + year + i64::from(month <= 2), month, of_month)
    }
}

/// Days from 1970-01-01 to a date.
fn number(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn seconds_now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

/// The date at a time where the reader is.
fn local(seconds: i64) -> Result<Day> {
    // SAFETY: `tm` is numbers and a pointer, for which zeros are valid. `localtime_r` reads the first
    // pointer and writes to the second, and keeps neither. It reads the environment, which this
    // program never changes.
    let read = unsafe {
        let mut read: libc::tm = std::mem::zeroed();
        (!libc::localtime_r(&seconds, &mut read).is_null()).then_some(read)
    };
    let read = read.ok_or_else(|| anyhow!("this machine's clock shows no date: set it"))?;
    let (year, month) = (i64::from(read.tm_year) + 1900, i64::from(read.tm_mon) + 1);
    Ok(Day(number(year, month, i64::from(read.tm_mday))))
}

/// The time now in UTC, as `2026-11-26T07:15:08.123Z`: an event's name among those of its card.
pub fn now() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (seconds, millis) = (now.as_secs() % 86400, now.subsec_millis());
    let day = Day(i64::try_from(now.as_secs() / 86400).unwrap_or(0));
    format!("{day}T{:02}:{:02}:{:02}.{millis:03}Z", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for Day {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Day> {
        let parts: Vec<&str> = text.split('-').collect();
        let is_form = parts.iter().map(|part| part.len()).eq([4, 2, 2])
            && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
        let numbers: Vec<i64> = parts.iter().filter_map(|part| part.parse().ok()).collect();
        if let (true, &[year @ 1..=9999, month @ 1..=12, day]) = (is_form, &numbers[..]) {
            let read = Day(number(year, month, day));
            // 2026-02-30 is the second of March, and no date.
            if read.civil() == (year, month, day) {
                return Ok(read);
            }
        }
        bail!("`{text}` is no date; one is written as 2026-11-29")
    }
}

impl TryFrom<String> for Day {
    type Error = anyhow::Error;

    fn try_from(text: String) -> Result<Day> {
        text.parse()
    }
}

impl From<Day> for String {
    fn from(day: Day) -> String {
        day.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn every_day_of_four_centuries_is_read_as_it_is_written() {
        for n in number(1899, 1, 1)..number(2300, 1, 1) {
            assert_eq!(day(&Day(n).to_string()), Day(n));
        }
        assert_eq!(number(1970, 1, 1), 0);
        assert_eq!(day("2000-02-28").plus(2), day("2000-03-01"));
        assert_eq!(day("1900-02-28").plus(1), day("1900-03-01"));
        assert_eq!(day("2027-03-01").since(day("2026-11-26")), 95);
        assert_eq!(day("9999-12-30").plus(36500), day("9999-12-31"));
    }

    #[test]
    fn a_clock_set_back_is_no_time() {
        assert_eq!(day("2026-11-20").since(day("2026-11-26")), 0);
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "2026-02-29",
            "2026-13-01",
            "2026-00-10",
            "26-11-26",
            "2026-11-26T1",
            "+026-11-26",
            "2026-1-026",
            "0000-01-01",
        ] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
    }
}
