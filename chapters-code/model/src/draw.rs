//! A script's steps as a table, with both lists and what the model and the kernel say.

use std::fmt::Write as _;

use crate::script::{Call, What};
use crate::trial::Line;
use crate::{Event, Flags, Outcome, Script, errno};

/// The widest that each column becomes, and the blanks between two: less than 100 in all.
const WIDEST: [usize; 5] = [26, 24, 7, 17, 17];
const GAP: &str = "  ";

/// The table, and a last line that says whether the two agree.
pub fn table(script: &Script, lines: &[Line]) -> String {
    let head = ["", "interest", "ready", "model", "kernel"].map(str::to_owned);
    let mut first = head.map(|cell| vec![cell]);
    first[0] = script
        .to_string()
        .split("; ")
        .take(script.steps.len().max(1))
        .take(1)
        .map(str::to_owned)
        .collect();
    let mut rows = vec![first];
    rows.extend(lines.iter().map(row));
    for row in &mut rows {
        for (cell, width) in row.iter_mut().zip(WIDEST) {
            *cell = cell.iter().flat_map(|line| wrapped(line, width)).collect();
        }
    }
    let width = |column: usize| {
        let cells = rows.iter().flat_map(|row| &row[column]);
        cells.map(|line| line.chars().count()).max().unwrap_or(0)
    };
    let widths = [0, 1, 2, 3, 4].map(width);
    let mut out = String::new();
    for (at, row) in rows.iter().enumerate() {
        for line in 0..row.iter().map(Vec::len).max().unwrap_or(0) {
            let cells = row.iter().zip(widths).map(|(cell, width)| {
                format!("{:<width$}", cell.get(line).map_or("", String::as_str))
            });
            let _ = writeln!(out, "{}", cells.collect::<Vec<_>>().join(GAP).trim_end());
        }
        let line = at.checked_sub(1).map(|at| &lines[at]);
        for why in line.into_iter().flat_map(Line::why) {
            wrapped(&format!("either way: {why}"), 92).iter().for_each(|line| {
                let _ = writeln!(out, "      {line}");
            });
        }
    }
    let _ = writeln!(out, "{}", verdict(script, lines));
    out
}

/// Whether the two agree, in a sentence.
pub fn verdict(script: &Script, lines: &[Line]) -> String {
    match lines.iter().position(|line| !line.agrees()) {
        Some(at) => {
            let rest = script.steps.len() - at - 1;
            let s = if rest == 1 { "" } else { "s" };
            let rest = if rest == 0 { String::new() } else { format!(" {rest} step{s} not made.") };
            format!("They differ at step {}, `{}`.{rest}", at + 1, lines[at].step)
        }
        None => "They agree.".into(),
    }
}

fn row(line: &Line) -> [Vec<String>; 5] {
    let after: Vec<_> = line.after().collect();
    let first = after.first();
    let interest = first.map(|after| after.interest().map(entry).collect()).unwrap_or_default();
    // What is in the list in some of the ways in which things may stand has a `?`.
    let mut ready: Vec<usize> = Vec::new();
    for n in after.iter().flat_map(|after| after.ready()) {
        if !ready.contains(&n) {
            ready.push(n);
        }
    }
    let sure = |n: usize| after.iter().all(|after| after.ready().any(|other| other == n));
    let named = ready.iter().map(|&n| format!("{n}{}", if sure(n) { "" } else { "?" }));
    let ready = named.collect::<Vec<_>>().join(" ");
    let [model, mut kernel] = answers(line);
    if !line.agrees() {
        kernel.push("they differ".into());
    }
    [vec![line.step.to_string()], or_none(interest), or_none(vec![ready]), model, kernel]
}

fn or_none(cell: Vec<String>) -> Vec<String> {
    if cell.concat().is_empty() { vec!["-".into()] } else { cell }
}

/// An entry of the interest list, as it is drawn.
pub fn entry((n, asks): Event) -> String {
    let asked = asks & !(Flags::ERR | Flags::HUP);
    match (asks & !Flags::HOW).is_empty() {
        true => format!("{n} disabled"),
        false => format!("{n} {asked}"),
    }
}

/// What the model predicts, the ways parted by `or`, and what the kernel said.
pub fn answers(line: &Line) -> [Vec<String>; 2] {
    let mut model = Vec::new();
    for (at, outcome) in line.outcomes().into_iter().enumerate() {
        let mut way = said(outcome);
        if let Some(first) = way.first_mut().filter(|_| at > 0) {
            first.insert_str(0, "or ");
        }
        model.extend(way);
    }
    let mut kernel = said(&line.kernel);
    kernel.splice(0..0, told(line));
    [model, kernel]
}

/// What is seen of a step, each event a line.
pub fn said(outcome: &Outcome) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(errno) = outcome.errno.filter(|errno| *errno != 0) {
        lines.push(error(errno));
    }
    if let Some(flags) = outcome.polled {
        lines.push(if flags.is_empty() { "nothing".into() } else { flags.to_string() });
    }
    let events = |events: &[Event]| match events {
        [] => vec!["nothing".into()],
        _ => events.iter().map(|(n, flags)| format!("{n} {flags}")).collect(),
    };
    lines.extend(outcome.events.iter().flat_map(|all| events(all)));
    if let Some(all) = &outcome.asleep {
        let mut all = events(all);
        all[0].insert_str(0, "asleep: ");
        lines.extend(all);
    }
    lines
}

/// What the call said that the model was told.
fn told(line: &Line) -> Option<String> {
    let (What::Own(call) | What::Peer(call)) = line.step.what else { return None };
    let told = &line.told;
    let bytes = |n| if n == 1 { "1 byte".into() } else { format!("{n} bytes") };
    match call {
        _ if told.errno != 0 => Some(error(told.errno)),
        Call::Read(_) | Call::Write(_) if told.refused > 0 && told.moved == 0 => {
            Some(error(errno::EAGAIN))
        }
        Call::Accept if told.refused > 0 => Some(error(errno::EAGAIN)),
        Call::Read(n) if n > 0 && told.moved == 0 => Some("0: the end".into()),
        Call::Read(_) | Call::Write(_) => Some(bytes(told.moved)),
        // Those of an eventfd are of its counter, and no bytes that anybody counts.
        Call::Fill if told.moved.is_multiple_of(4096) => {
            Some(format!("after {}", bytes(told.moved)))
        }
        Call::Drain => Some(format!("{} in all", told.moved)),
        _ => None,
    }
}

/// The name of an error.
pub fn error(errno: i32) -> String {
    let names = [
        (2, "ENOENT"),
        (9, "EBADF"),
        (11, "EAGAIN"),
        (17, "EEXIST"),
        (22, "EINVAL"),
        (32, "EPIPE"),
        (104, "ECONNRESET"),
        (107, "ENOTCONN"),
        (111, "ECONNREFUSED"),
    ];
    let name = names.iter().find(|(number, _)| *number == errno);
    name.map_or_else(|| format!("error {errno}"), |(_, name)| (*name).to_owned())
}

/// Breaks a line behind `|` and blanks.
fn wrapped(line: &str, width: usize) -> Vec<String> {
    let (mut lines, mut last) = (Vec::new(), String::new());
    for piece in line.split_inclusive(['|', ' ']) {
        if last.chars().count() + piece.trim_end().chars().count() > width && !last.is_empty() {
            lines.push(last.trim_end().to_owned());
            last.clear();
        }
        last += piece;
    }
    lines.push(last.trim_end().to_owned());
    lines
}
