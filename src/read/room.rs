//! The reader's own that the server writes into a page before it is sent: were it added by a script, all
//! below it would move under the reader's eyes.

use anyhow::Result;
use serde_json::Value;
use weave::highlight::escape;

use super::build::Edition;
use super::mine::Mine;

/// What takes room is said here, since the style of the reader's own comes behind the page.
const BOX: &str = "box-sizing: border-box; max-width: var(--measure); margin: 0 0 1.5em; \
                   padding: 0.7rem 1rem; border: 1px solid var(--rule); border-radius: 4px";

/// Room for a question of some lines, more of them on a narrow screen.
const ASKED: &str = "display: grid; align-content: center; min-height: calc(14rem - 4vw)";

/// A page with what belongs under its title.
pub fn with_own(mine: &Mine, edition: &Edition, path: &[u8], page: &[u8]) -> Vec<u8> {
    let own = match path {
        b"/recall.html" => format!(
            "<section class=\"own own-asked\" aria-label=\"Cards\" style=\"{BOX}; {ASKED}\"></section>"
        ),
        b"/" | b"/index.html" | b"/start.html" => first(mine, edition),
        _ => return page.to_owned(),
    };
    let title = b"</h1>";
    match page.windows(title.len()).position(|bytes| bytes == title) {
        Some(at) => [&page[..at + title.len()], own.as_bytes(), &page[at + title.len()..]].concat(),
        None => page.to_owned(),
    }
}

/// What is due and how far the exercises are; nothing for who has begun neither.
fn first(mine: &Mine, edition: &Edition) -> String {
    let lines =
        said(mine, edition).unwrap_or_else(|error| paragraph(&escape(&format!("{error:#}"))));
    match lines.is_empty() {
        true => lines,
        false => {
            format!("<section class=\"own\" aria-label=\"Yours\" style=\"{BOX}\">{lines}</section>")
        }
    }
}

fn said(mine: &Mine, edition: &Edition) -> Result<String> {
    let state = mine.state(edition)?;
    let count = |of: &str| state[of].as_array().map_or(0, Vec::len);
    let some = |of, thing: &str| match count(of) {
        0 => None,
        1 => Some(format!("1 {thing}")),
        count => Some(format!("{count} {thing}s")),
    };
    let due = some("due", "card").map(|due| due + " due");
    let cards: Vec<String> = due.into_iter().chain(some("fresh", "new card")).collect();
    let mut lines = String::new();
    if !cards.is_empty() {
        lines += &paragraph(&format!("<a href=\"/recall.html\">{}</a>.", cards.join(", ")));
    } else if let Some(day) = state["next"]["day"].as_str() {
        lines += &paragraph(&format!("Nothing is due until {day}."));
    }
    lines +=
        &state["problem"].as_str().map_or(String::new(), |problem| paragraph(&escape(problem)));
    let exercises = mine.exercises()?;
    let exercises = exercises.as_array().map_or(&[][..], Vec::as_slice);
    if !exercises.is_empty() {
        let items = exercises.iter().map(exercise).collect::<String>();
        lines += &format!("{}<ul>{items}</ul>", paragraph("Your exercises:"));
    }
    Ok(lines)
}

fn exercise(one: &Value) -> String {
    let of = |name: &str| escape(one[name].as_str().unwrap_or_default());
    let (page, title, state, folder) = (of("page"), of("title"), of("state"), of("folder"));
    format!("<li><a href=\"/{page}#fork-it\">{title}</a>: {state}, in {folder}</li>")
}

fn paragraph(html: &str) -> String {
    format!("<p>{html}</p>")
}
