//! Moments of several buffers as an SVG, for pages: a row for each moment, a bar for each buffer.
//!
//! It has no colours of its own: `currentColor`, and classes for the page's stylesheet.

use crate::svg::{escape, slug};

/// The width of all. A phone shows it at three quarters of that.
const WIDTH: f64 = 480.0;
const BAR: f64 = 18.0;
/// From one row to the next: what happened, the bars, and what is said below each of them.
const ROW: f64 = 66.0;
/// Where the first row begins, below the title and the names of the buffers.
const TOP: f64 = 46.0;
/// Between two bars.
const GAP: f64 = 24.0;

/// How full one buffer is.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// The part of it that is used: 0 is empty, 1 is full, and it may be more.
    pub used: f64,
    /// Where the line is that decides, if there is one, as a part of the whole.
    pub line: Option<f64>,
    /// What is said below the bar.
    pub note: String,
}

/// All buffers at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// What has happened since the one before.
    pub what: String,
    /// How full each buffer is, in the order of their names.
    pub levels: Vec<Level>,
}

/// The moments as an SVG element. `title` and `description` are its text alternative, to which each
/// moment is added in words; the title is drawn, too, and is unique among the drawings of a page.
pub fn svg(title: &str, description: &str, buffers: &[&str], moments: &[Moment]) -> String {
    let bar = (WIDTH + GAP) / buffers.len().max(1) as f64 - GAP;
    let left = |number: usize| number as f64 * (bar + GAP);
    let names = buffers.iter().enumerate().map(|(number, name)| {
        let (x, name) = (left(number), escape(name));
        format!("<text class=\"name\" x=\"{x:.1}\" y=\"36\">{name}</text>\n")
    });
    let names: String = names.collect();
    let rows = moments.iter().enumerate().map(|(row, moment)| {
        let levels = moment.levels.iter().enumerate();
        let bars: String = levels.map(|(number, level)| level.bar(left(number), bar)).collect();
        let (y, what) = (TOP + row as f64 * ROW, escape(&moment.what));
        let number = row + 1;
        format!(
            "<g transform=\"translate(0 {y})\">\n<text x=\"0\" y=\"14\">{number}. {what}</text>\n{bars}</g>\n"
        )
    });
    let rows: String = rows.collect();
    let words: String = moments.iter().map(|moment| moment.words(buffers)).collect();
    let height = TOP + moments.len() as f64 * ROW;
    let (id, title, description) = (slug(title), escape(title), escape(description));
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" class="bars" viewBox="0 0 {WIDTH} {height}"
role="img" aria-labelledby="{id}-title" aria-describedby="{id}-desc" fill="currentColor" font-family="sans-serif" font-size="14">
<title id="{id}-title">{title}</title>
<desc id="{id}-desc">{description}{words}</desc>
<text class="title" x="0" y="14">{title}</text>
{names}{rows}</svg>
"#
    )
}

impl Moment {
    fn words(&self, buffers: &[&str]) -> String {
        let each = self.levels.iter().zip(buffers);
        let each: Vec<String> = each
            .map(|(level, name)| format!("{} {:.0} %, {}", name, 100.0 * level.used, level.note))
            .collect();
        format!("\n{}: {}.", escape(&self.what), escape(&each.join("; ")))
    }
}

impl Level {
    fn bar(&self, x: f64, width: f64) -> String {
        let used = self.used.clamp(0.0, 1.0) * width;
        let line = self.line.map_or(String::new(), |part| {
            let x = x + part * width;
            format!("<path class=\"line\" d=\"M{x:.1} 19v26\" stroke=\"currentColor\" stroke-width=\"2\" stroke-dasharray=\"3 2\" />\n")
        });
        let note = escape(&self.note);
        format!(
            r#"<rect x="{x:.1}" y="23" width="{width:.1}" height="{BAR}" fill="none" stroke="currentColor" />
<rect class="used" x="{x:.1}" y="23" width="{used:.1}" height="{BAR}" opacity="0.55" />
{line}<text class="note" x="{x:.1}" y="56" font-size="12">{note}</text>
"#
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(used: f64) -> Moment {
        let level = |used, line| Level { used, line, note: format!("{used} <used>") };
        Moment { what: "a & b".into(), levels: vec![level(used, Some(0.5)), level(0.0, None)] }
    }

    #[test]
    fn a_bar_is_as_long_as_its_buffer_is_full() {
        let drawn = |used| svg("T", "D.", &["one", "two"], &[moment(used)]);
        let width = (WIDTH - GAP) / 2.0;
        for (used, expected) in [(0.0, 0.0), (0.25, width / 4.0), (1.0, width), (1.5, width)] {
            let bar = format!("class=\"used\" x=\"0.0\" y=\"23\" width=\"{expected:.1}\"");
            assert!(drawn(used).contains(&bar), "{bar} in {}", drawn(used));
        }
        assert_eq!(drawn(1.0).matches("class=\"line\"").count(), 1);
    }

    #[test]
    fn what_is_drawn_is_said_in_words_too() {
        let drawn = svg("Two buffers", "D.", &["one", "two"], &[moment(0.25), moment(1.0)]);
        assert!(drawn.contains("D.\na &amp; b: one 25 %, 0.25 &lt;used&gt;; two 0 %"), "{drawn}");
        assert!(drawn.contains("<title id=\"two-buffers-title\">Two buffers</title>"), "{drawn}");
        assert!(drawn.contains("2. a &amp; b"), "{drawn}");
    }
}
