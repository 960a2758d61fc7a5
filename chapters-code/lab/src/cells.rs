//! Stacks and other columns of cells as an SVG, for pages: moments, each with columns side by side.
//!
//! It has no colours of its own: `currentColor`, and classes for the page's stylesheet.

use crate::svg::{escape, slug};

/// The width of all. A phone shows it at three quarters of that.
const WIDTH: f64 = 480.0;
const CELL: f64 = 22.0;
/// Where the first moment begins, below the title; and the first cell of a moment, below what it is
/// called and the names of its columns.
const TOP: f64 = 26.0;
const HEAD: f64 = 44.0;
/// Between two moments, and between two columns: the second has room for a pointer's name.
const BELOW: f64 = 22.0;
const GAP: f64 = 84.0;

/// What one column is like at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Column {
    /// What it is called.
    pub name: String,
    /// From the top down.
    pub cells: Vec<Cell>,
    /// What points at a cell, from the right: the cell's number and the pointer's name. One past the
    /// last points below it.
    pub pointers: Vec<(usize, String)>,
}

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// What stands in it.
    pub text: String,
    /// Whether it is what the picture is about.
    pub marked: bool,
}

impl Cell {
    /// One that is part of the surroundings.
    pub fn plain(text: impl Into<String>) -> Cell {
        Cell { text: text.into(), marked: false }
    }

    /// One that the picture is about.
    pub fn marked(text: impl Into<String>) -> Cell {
        Cell { text: text.into(), marked: true }
    }
}

/// All columns at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// What is the case.
    pub what: String,
    /// The columns, from the left.
    pub columns: Vec<Column>,
    /// What follows from it, said below.
    pub note: String,
}

/// The moments as an SVG element. `title` and `description` are its text alternative, to which each
/// moment is added in words; the title is drawn, too, and is unique among the drawings of a page.
pub fn svg(title: &str, description: &str, moments: &[Moment]) -> String {
    let (mut drawn, mut words, mut y) = (String::new(), String::new(), TOP);
    for (number, moment) in moments.iter().enumerate() {
        drawn += &format!("<g transform=\"translate(0 {y})\">\n{}</g>\n", moment.draw(number + 1));
        words += &moment.words(number + 1);
        y += moment.height() + BELOW;
    }
    let height = y - BELOW + 6.0;
    let (id, title, description) = (slug(title), escape(title), escape(description));
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" class="cells" viewBox="0 0 {WIDTH} {height}"
role="img" aria-labelledby="{id}-title" aria-describedby="{id}-desc" fill="currentColor" font-family="sans-serif" font-size="14">
<title id="{id}-title">{title}</title>
<desc id="{id}-desc">{description}{words}</desc>
<text class="title" x="0" y="14">{title}</text>
{drawn}</svg>
"#
    )
}

impl Moment {
    fn height(&self) -> f64 {
        let cells = self.columns.iter().map(|column| column.cells.len()).max().unwrap_or(0);
        let note = if self.note.is_empty() { 0.0 } else { CELL };
        HEAD + cells as f64 * CELL + note
    }

    fn draw(&self, number: usize) -> String {
        let columns = self.columns.len().max(1) as f64;
        let wide = (WIDTH - columns * GAP) / columns;
        let drawn = self.columns.iter().enumerate();
        let drawn = drawn.map(|(at, column)| column.draw(at as f64 * (wide + GAP), wide));
        let what = escape(&self.what);
        let mut all = format!("<text x=\"0\" y=\"14\">{number}. {what}</text>\n");
        all.extend(drawn);
        if !self.note.is_empty() {
            let y = self.height() - 4.0;
            all += &format!(
                "<text x=\"0\" y=\"{y}\" font-size=\"13\">{}</text>\n",
                escape(&self.note)
            );
        }
        all
    }

    fn words(&self, number: usize) -> String {
        let columns = self.columns.iter().map(Column::words);
        let columns = columns.collect::<Vec<_>>().join("; ");
        let note = if self.note.is_empty() {
            String::new()
        } else {
            format!(" {}.", self.note.trim_end_matches('.'))
        };
        escape(&format!("\n{number}. {}: {columns}.{note}", self.what))
    }
}

impl Column {
    fn draw(&self, x: f64, wide: f64) -> String {
        let name = escape(&self.name);
        let mut drawn = format!(
            "<text class=\"name\" font-weight=\"bold\" font-size=\"13\" x=\"{x:.1}\" y=\"36\">{name}</text>\n"
        );
        for (at, cell) in self.cells.iter().enumerate() {
            let y = HEAD + at as f64 * CELL;
            let opacity = if cell.marked { "0.25" } else { "0.05" };
            drawn += &format!(
                "<rect class=\"cell\" fill-opacity=\"{opacity}\" stroke=\"currentColor\" x=\"{:.1}\" y=\"{:.1}\" \
                 width=\"{wide:.1}\" height=\"{CELL}\"/>\n",
                x + 0.5,
                y + 0.5
            );
            let (middle, line, text) = (x + wide / 2.0, y + 16.0, escape(&cell.text));
            drawn += &format!(
                "<text text-anchor=\"middle\" font-size=\"12\" x=\"{middle:.1}\" y=\"{line:.1}\">{text}</text>\n"
            );
        }
        for (at, name) in &self.pointers {
            let (x, y) = (x + wide + 4.0, HEAD + *at as f64 * CELL + 16.0);
            drawn += &format!(
                "<text class=\"pointer\" font-size=\"13\" x=\"{x:.1}\" y=\"{y:.1}\">◄ {}</text>\n",
                escape(name)
            );
        }
        drawn
    }

    fn words(&self) -> String {
        let cells = self.cells.iter().map(|cell| cell.text.as_str()).collect::<Vec<_>>().join(", ");
        let pointers = self.pointers.iter().map(|(at, name)| match self.cells.get(*at) {
            Some(cell) => format!(", {name} points at {}", cell.text),
            None => format!(", {name} points below"),
        });
        format!("{} holds {cells}{}", self.name, pointers.collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str, pointed: usize) -> Moment {
        let cells = vec![Cell::plain("low"), Cell::marked(text)];
        let pointers = vec![(pointed, "rsp".to_owned())];
        let columns = vec![Column { name: "stack".into(), cells, pointers }];
        Moment { what: "it runs".into(), columns, note: "so <be> it".into() }
    }

    #[test]
    fn another_word_or_pointer_makes_another_picture() {
        let one = svg("Stacks", "They are.", &[moment("rbx 1", 0)]);
        assert!(
            one.contains(">rbx 1</text>")
                && one.contains("stack holds low, rbx 1, rsp points at low")
        );
        assert!(one.contains("so &lt;be&gt; it"));
        assert_ne!(one, svg("Stacks", "They are.", &[moment("rbx 2", 0)]));
        assert_ne!(one, svg("Stacks", "They are.", &[moment("rbx 1", 1)]));
        let two = svg("Stacks", "They are.", &[moment("rbx 1", 0), moment("rbx 1", 0)]);
        assert_eq!(two.matches("rbx 1</text>").count(), 2);
    }
}
