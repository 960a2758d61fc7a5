//! What a client prints, byte for byte: for each reply `N LENGTH`, a newline, that many bytes, a
//! newline.

use std::io::{self, BufRead, Read, sink};

use lab::peer::Mode;

use crate::STREAMS;

/// The longest first line of a reply, with its newline. No two numbers need that many.
const LONGEST: u64 = 64;

/// What is found in the transcript.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// The reply to this request, with the right body.
    Right(usize),
    /// What is wrong, in one line.
    Wrong(String),
}

/// Reads `out` to its end and notes each reply as soon as it is read. What follows a line that makes
/// no sense is passed over.
pub(crate) fn check<E>(
    mut out: impl BufRead,
    mode: Mode,
    mut note: impl FnMut(Note) -> Result<(), E>,
) -> io::Result<()> {
    let mut seen = [false; STREAMS];
    while !out.fill_buf()?.is_empty() {
        let (noted, goes_on) = match reply(&mut out, mode, &mut seen)? {
            Ok(request) => (Note::Right(request), true),
            Err(Fault::InReply(what)) => (Note::Wrong(what), true),
            Err(Fault::AtAll(what)) => (Note::Wrong(what), false),
        };
        if note(noted).is_err() || !goes_on {
            io::copy(&mut out, &mut sink())?;
        }
    }
    Ok(())
}

enum Fault {
    /// The next reply can be found.
    InReply(String),
    /// It can't.
    AtAll(String),
}

/// Reads one reply; the request that it rightly answers.
fn reply(
    out: &mut impl BufRead,
    mode: Mode,
    seen: &mut [bool; STREAMS],
) -> io::Result<Result<usize, Fault>> {
    let mut line = Vec::new();
    out.take(LONGEST).read_until(b'\n', &mut line)?;
    let Some((request, length)) = numbers(&line) else {
        let line = String::from_utf8_lossy(&line);
        let what = format!("{line:?} where a line `N LENGTH` belongs");
        return Ok(Err(Fault::AtAll(what)));
    };
    let Some(seen) = seen.get_mut(request) else {
        return Ok(Err(Fault::AtAll(format!("request {request} was not to be made"))));
    };
    let expected = mode.body_for(&format!("request-{request}"));
    let (read, difference) = compare(&mut out.take(length), &expected)?;
    if read < length {
        let what = format!("request {request}: stdout ends after {read} of {length} bytes");
        return Ok(Err(Fault::AtAll(what)));
    }
    let mut newline = [0];
    if out.read(&mut newline)? == 0 || newline != *b"\n" {
        let what = format!("request {request}: no newline after its {length} bytes");
        return Ok(Err(Fault::AtAll(what)));
    }
    if let Some(difference) = difference {
        return Ok(Err(Fault::InReply(format!("request {request}: {difference}"))));
    }
    if std::mem::replace(seen, true) {
        return Ok(Err(Fault::InReply(format!("request {request}: a second reply"))));
    }
    Ok(Ok(request))
}

/// `N LENGTH` and a newline, without anything else.
fn numbers(line: &[u8]) -> Option<(usize, u64)> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let (request, length) = line.split_once(' ')?;
    Some((request.parse().ok()?, length.parse().ok()?))
}

/// Reads `body` to its end. How many bytes there were, and the first that differs.
fn compare(body: &mut impl BufRead, expected: &[u8]) -> io::Result<(u64, Option<String>)> {
    let (mut at, mut difference) = (0, None);
    loop {
        let bytes = body.fill_buf()?;
        if bytes.is_empty() {
            break;
        }
        let rest = expected.get(at as usize..).unwrap_or_default();
        let same = match rest.starts_with(bytes) {
            true => bytes.len(),
            false => bytes.iter().zip(rest).take_while(|(byte, right)| byte == right).count(),
        };
        if same < bytes.len() && difference.is_none() {
            let offset = at as usize + same;
            let found = bytes[same];
            difference = Some(match rest.get(same) {
                Some(right) => {
                    format!("first difference at offset {offset}: {found:#04x} for {right:#04x}")
                }
                None => format!("first difference at offset {offset}, where it should end"),
            });
        }
        let len = bytes.len();
        at += len as u64;
        body.consume(len);
    }
    let short =
        || format!("first difference at offset {at}, where it ends: {} belong", expected.len());
    let is_short = at < expected.len() as u64;
    Ok((at, difference.or_else(|| is_short.then(short))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes(mode: Mode, out: &[u8]) -> Vec<Note> {
        let mut notes = Vec::new();
        // A reader that gives few bytes at a time, as a pipe may.
        let out = io::BufReader::with_capacity(3, out);
        let push = |note| {
            notes.push(note);
            Ok::<(), ()>(())
        };
        check(out, mode, push).unwrap();
        notes
    }

    fn wrong(mode: Mode, out: &[u8]) -> String {
        match notes(mode, out).pop() {
            Some(Note::Wrong(what)) => what,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn replies_in_any_order_are_right() {
        let out = b"3 9\nrequest-3\n0 9\nrequest-0\n";
        assert_eq!(notes(Mode::Polite, out), [Note::Right(3), Note::Right(0)]);
        assert_eq!(notes(Mode::Polite, b""), []);
        let huge = Mode::HugeBody.body_for("request-1");
        let out = [format!("1 {}\n", huge.len()).as_bytes(), &huge, b"\n"].concat();
        assert_eq!(notes(Mode::HugeBody, &out), [Note::Right(1)]);
    }

    #[test]
    fn the_first_byte_that_differs_is_told() {
        let differs = |out: &str| wrong(Mode::Polite, out.as_bytes());
        let at = |what: &str| format!("request 3: first difference at offset {what}");
        assert_eq!(differs("3 9\nrequesT-3\n"), at("6: 0x54 for 0x74"));
        assert_eq!(differs("3 4\nrequ\n"), at("4, where it ends: 9 belong"));
        assert_eq!(differs("3 0\n\n"), at("0, where it ends: 9 belong"));
        assert_eq!(differs("3 11\nrequest-3  \n"), at("9, where it should end"));
    }

    #[test]
    fn what_follows_a_wrong_body_is_still_checked() {
        let notes = notes(Mode::Polite, b"3 3\nbad\n1 9\nrequest-1\n1 9\nrequest-1\n");
        assert!(matches!(notes[..], [Note::Wrong(_), Note::Right(1), Note::Wrong(_)]), "{notes:?}");
    }

    #[test]
    fn what_is_no_transcript_is_told_once() {
        let told = |out: &str| {
            let notes = notes(Mode::Polite, out.as_bytes());
            assert_eq!(notes.len(), 1, "{notes:?}");
            wrong(Mode::Polite, out.as_bytes())
        };
        assert_eq!(told("hello\n\x07\n"), "\"hello\\n\" where a line `N LENGTH` belongs");
        assert_eq!(told("\n1 9\nrequest-1\n"), "\"\\n\" where a line `N LENGTH` belongs");
        assert_eq!(told("5 9\nrequest-5\n"), "request 5 was not to be made");
        assert_eq!(told("1 9\nreq"), "request 1: stdout ends after 3 of 9 bytes");
        assert_eq!(told("1 9\nrequest-1"), "request 1: no newline after its 9 bytes");
        assert_eq!(told("1 9\nrequest-1x\n"), "request 1: no newline after its 9 bytes");
        assert!(told(&"y".repeat(100_000)).len() < 200);
        assert!(told("1 99999999999999999999999\n").ends_with("belongs"));
    }
}
