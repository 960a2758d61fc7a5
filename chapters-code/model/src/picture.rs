//! Both lists as an SVG, step by step, for pages. Like the lab's timelines it has no colours of its
//! own.

use std::fmt::Write as _;

use crate::draw::{entry, said};
use crate::script::{Call, Script, What};
use crate::{Epoll, Told};

/// The width of all, and where the columns of the scripts begin.
const WIDTH: usize = 480;
const LEFT: usize = 132;
/// From one step to the next; and how large a list is drawn.
const ROW: usize = 34;
const BOX: usize = 24;
/// The first step's row, below the title, the names and the interest lists.
const TOP: usize = 114;

/// Draws scripts side by side that have the same steps but for what they ask for: the interest list
/// once, the ready list after each step, and what each wait reports.
///
/// It is drawn from the model alone, which is told that every call moves all that it may. `title` is
/// drawn, too, and with `description` the text alternative.
pub fn svg(title: &str, description: &str, scripts: &[(&str, Script)]) -> String {
    let steps = scripts.first().map_or(0, |(_, script)| script.steps.len().saturating_sub(1));
    let height = TOP + steps * ROW + 6;
    let wide = (WIDTH - LEFT) / scripts.len().max(1);
    let mut body = String::new();
    for (at, step) in
        scripts.iter().flat_map(|(_, script)| script.steps.iter().skip(1)).take(steps).enumerate()
    {
        let y = TOP + at * ROW + BOX / 2 + 5;
        let _ = writeln!(body, r#"<text x="0" y="{y}">{step}</text>"#);
    }
    let _ = writeln!(body, r#"<text x="0" y="{}">interest list</text>"#, 62 + 5);
    let _ = writeln!(body, r#"<text x="0" y="{}">ready list after</text>"#, TOP - 10);
    let mut words = String::new();
    for (at, (name, script)) in scripts.iter().enumerate() {
        let x = LEFT + at * wide;
        body += &column(x, name, script);
        let _ = write!(words, "\n{}: {}", escape(name), escape(&in_words(script)));
    }
    let (id, title, description) = (slug(title), escape(title), escape(description));
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" class="lists" viewBox="0 0 {WIDTH} {height}"
role="img" aria-labelledby="{id}-title" aria-describedby="{id}-desc" fill="currentColor" font-family="sans-serif" font-size="14">
<title id="{id}-title">{title}</title>
<desc id="{id}-desc">{description}{words}</desc>
<text class="title" x="0" y="14">{title}</text>
{body}</svg>
"#
    )
}

/// A step, the model after it, and what a wait reports.
struct Frame {
    after: Epoll,
    reports: Option<String>,
}

/// The script in the model, which is told that there is room for all, and that a read finds what it
/// asks for as long as there is so much.
fn frames(script: &Script) -> Vec<Frame> {
    let mut state = Epoll::new(script);
    let mut frames = Vec::new();
    let mut unread = 0;
    for step in &script.steps {
        let told = match step.what {
            What::Peer(Call::Write(n)) => {
                unread += n;
                Told::moved(n)
            }
            What::Own(Call::Read(n)) => {
                let moved = n.min(unread);
                unread -= moved;
                Told::moved(moved)
            }
            _ => Told::default(),
        };
        // A picture shows one way; what may turn out so or so is no subject of it.
        let turn = state.step(step, &told).swap_remove(0);
        state = turn.after.clone();
        let waits = turn.outcome.events.is_some();
        let reports = waits.then(|| said(&turn.outcome).join(", "));
        frames.push(Frame { after: turn.after, reports });
    }
    frames
}

fn column(x: usize, name: &str, script: &Script) -> String {
    let frames = frames(script);
    let interest = |frame: &Frame| frame.after.interest().map(entry).collect::<Vec<_>>();
    let mut out = format!("<g transform=\"translate({x} 0)\">\n");
    let _ = writeln!(
        out,
        r#"<text class="name" font-weight="bold" x="0" y="40">{}</text>"#,
        escape(name)
    );
    out += &list(50, 116, &frames.first().map(interest).unwrap_or_default(), 100);
    for (at, frame) in frames.iter().skip(1).enumerate() {
        let y = TOP + at * ROW;
        let ready: Vec<String> = frame.after.ready().map(|n| n.to_string()).collect();
        out += &list(y, 56, &ready, 22);
        if let Some(reports) = &frame.reports {
            // The wait that reports something points at it.
            let arrow = if reports == "nothing" { "" } else { "→ " };
            let text = y + BOX / 2 + 5;
            let _ = writeln!(out, r#"<text x="66" y="{text}">{arrow}{}</text>"#, escape(reports));
        }
    }
    out + "</g>\n"
}

/// A box that holds its entries, each in a box of its own.
fn list(y: usize, wide: usize, entries: &[String], each: usize) -> String {
    let mut out = format!(
        r#"<rect class="list" fill="none" stroke="currentColor" stroke-dasharray="3 3" x="0.5" y="{y}.5" width="{wide}" height="{BOX}" rx="4"/>
"#
    );
    for (at, entry) in entries.iter().enumerate() {
        let (x, top, inner) = (4 + at * (each + 4), y + 4, BOX - 7);
        let _ = writeln!(
            out,
            r#"<rect class="entry" fill-opacity="0.2" stroke="currentColor" x="{x}.5" y="{top}.5" width="{each}" height="{inner}" rx="2"/>
<text text-anchor="middle" font-size="13" x="{}" y="{}">{}</text>"#,
            x + each / 2,
            top + 14,
            escape(entry)
        );
    }
    out
}

fn in_words(script: &Script) -> String {
    let after = |(frame, step): (&Frame, &crate::script::Step)| match &frame.reports {
        Some(reports) => format!("{step} reports {reports}"),
        None if frame.after.ready().next().is_some() => {
            format!("{step}, and it is in the ready list")
        }
        None => step.to_string(),
    };
    let frames = frames(script);
    let words: Vec<String> = frames.iter().zip(&script.steps).map(after).collect();
    words.join("; ") + "."
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn slug(title: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    title.chars().map(letter).collect()
}
