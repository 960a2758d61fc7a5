//! Several timelines in one drawing, on one scale: what took longer is longer.

use std::time::Duration;

use super::svg::{BAR, Drawing, RIGHT, WIDTH};
use super::{Millis, Timeline};
use crate::svg::{escape, slug};

/// From one lane to the next.
const LANE: f64 = BAR + 6.0;
/// From the top of a timeline to its lanes: its caption.
const CAPTION: f64 = 24.0;
/// Between two timelines.
const BETWEEN: f64 = 16.0;

/// Timelines below each other as an SVG element, each under a caption of its own. Their first
/// moments are at the left, and they share one scale. Drawn as by [`Timeline::svg`], without wakes.
///
/// `title` and `description` are its text alternative, and what each lane holds is added to them.
pub fn figure(title: &str, description: &str, timelines: &[(String, &Timeline)]) -> String {
    let mut drawings: Vec<Drawing> = timelines.iter().map(|(_, t)| Drawing::of(t)).collect();
    let total = drawings.iter().map(|drawing| drawing.total).max().unwrap_or_default();
    let left = drawings.iter().map(|drawing| drawing.left).fold(0.0, f64::max);
    for drawing in &mut drawings {
        (drawing.total, drawing.left) = (total, left);
        drawing.wakes.clear();
    }
    let (mut y, mut panels, mut contents) = (0.0, String::new(), String::new());
    for ((caption, _), drawing) in timelines.iter().zip(&drawings) {
        let caption = escape(caption);
        panels += &format!("<text class=\"title\" x=\"0\" y=\"{}\">{caption}</text>\n", y + 14.0);
        contents += &format!("\n{caption}.");
        y += CAPTION;
        for task in &drawing.tasks {
            panels += &drawing.lane(task, y);
            contents += &drawing.contents(task);
            y += LANE;
        }
        y += BETWEEN;
    }
    // The one with the most threads explains the signs of all.
    let most = drawings.iter().max_by_key(|drawing| drawing.threads.0.len());
    let legend = |drawing: &Drawing| drawing.legend(y + 30.0);
    let (legend, height) = most.map(legend).unwrap_or_default();
    let (id, title, description) = (slug(title), escape(title), escape(description));
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" class="timeline" viewBox="0 0 {WIDTH} {height}"
role="img" aria-labelledby="{id}-title" aria-describedby="{id}-desc" fill="currentColor" font-family="sans-serif" font-size="14">
<title id="{id}-title">{title}</title>
<desc id="{id}-desc">{description}{contents}</desc>
{panels}{axis}{legend}</svg>
"#,
        axis = axis(left, y, total),
    )
}

/// From the first moment to the last.
fn axis(left: f64, y: f64, total: Duration) -> String {
    let (right, times) = (WIDTH - RIGHT, y + 20.0);
    let total = Millis(total);
    format!(
        r#"<path class="axis" fill="none" stroke="currentColor" d="M{left} {y}v4H{right}v-4"/>
<text text-anchor="middle" x="{left}" y="{times}">0</text>
<text text-anchor="end" x="{WIDTH}" y="{times}">{total}</text>
"#
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::timeline;
    use super::*;

    fn drawn(factor: u64) -> String {
        let one = timeline(&[("A", 0, 0, 20, 20), ("B", 0, 20, 40, 20)]);
        let two = timeline(&[("A", 0, 5, 5 + 10 * factor, 5), ("B", 1, 5, 15, 10)]);
        figure("a figure", "What it shows.", &[("one <1>".into(), &one), ("two".into(), &two)])
    }

    #[test]
    fn one_scale_is_for_all_and_each_begins_at_the_left() {
        let svg = drawn(1);
        // 442 of the width are for 40 ms, the longer of the two.
        for part in [
            "<text class=\"title\" x=\"0\" y=\"14\">one &lt;1&gt;</text>",
            "M22.0 0H243.0V20H22.0z",
            "M243.0 0H464.0V20H243.0z",
            "M22.0 0H132.5V20H22.0z",
            ">40.00 ms</text>",
            "What it shows.\none &lt;1&gt;.\nA: 1 slice, on thread 0.\nB: 1 slice, on thread 0.\ntwo.\n",
        ] {
            assert!(svg.contains(part), "{part} in {svg}");
        }
        assert_eq!(svg.matches("class=\"name\"").count(), 4, "{svg}");
    }

    #[test]
    fn another_length_changes_the_scale_and_the_numbers_alone() {
        let longer = drawn(8);
        assert!(longer.contains(">80.00 ms</text>"), "{longer}");
        assert!(
            longer.contains("M22.0 0H132.5V20H22.0z"),
            "A of the first is half as long: {longer}"
        );
        let shape = |svg: String| svg.split(|c: char| c.is_numeric()).collect::<String>();
        assert_eq!(shape(drawn(1)), shape(longer));
    }

    #[test]
    fn no_timeline_is_an_empty_drawing() {
        let svg = figure("nothing", "Nothing.", &[]);
        assert!(svg.contains("</title>") && !svg.contains("NaN"), "{svg}");
    }
}
