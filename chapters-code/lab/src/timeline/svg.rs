//! The timeline as an SVG, for pages.
//!
//! It has no colours of its own: `currentColor`, and classes for the page's stylesheet. A thread is
//! told by its stripes and by its sign. For one sequence of events there is one sequence of elements;
//! only the numbers in them are measured.

use std::collections::BTreeSet;
use std::task::Poll;
use std::thread::ThreadId;
use std::time::Duration;

use super::{Millis, Slice, Threads, Timeline, Wakeup};
use crate::svg::{escape, slug};

/// The width of all. A phone shows it at three quarters of that.
pub(super) const WIDTH: f64 = 480.0;
/// From one lane to the next: the bars, a gap, and room for the wakes above the next bars.
const LANE: f64 = 42.0;
pub(super) const BAR: f64 = 20.0;
const MIDDLE: f64 = BAR / 2.0;
/// Where text stands whose middle is the middle of a bar.
const BASELINE: f64 = MIDDLE + 5.0;
/// Where the first lane's bars begin, below the title and the lane's wakes.
const TOP: f64 = 38.0;
/// Room at the right for what stands at the last moment.
pub(super) const RIGHT: f64 = 16.0;
/// From one line of the legend to the next.
const ROW: f64 = 26.0;
/// The stripes of each thread's bars, as dashes: none, then ever denser; then from the first again.
const STRIPES: [&str; 4] = ["0 9", "1.5 3.5", "3 3", "6 3"];

impl Timeline {
    /// The timeline as an SVG element: one lane a task, by name; a bar for each slice, with its
    /// thread; a mark where a traced task awaits, is finished, or is woken and by which thread. A
    /// thin line joins the bars of a task, while it is started and not finished.
    ///
    /// `title` and `description` are its text alternative, and what each lane holds is added to them.
    /// The title is drawn, too, and is unique among the drawings of a page.
    pub fn svg(&self, title: &str, description: &str) -> String {
        let drawing = Drawing::of(self);
        let lane = |(row, task): (usize, &String)| drawing.lane(task, TOP + row as f64 * LANE);
        let lanes: String = drawing.tasks.iter().enumerate().map(lane).collect();
        let below = TOP + drawing.tasks.len() as f64 * LANE;
        let axis = drawing.axis(below - 14.0, self);
        let (legend, height) = drawing.legend(below + 40.0);
        let contents: String = drawing.tasks.iter().map(|task| drawing.contents(task)).collect();
        let (id, title, description) = (slug(title), escape(title), escape(description));
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" class="timeline" viewBox="0 0 {WIDTH} {height}"
role="img" aria-labelledby="{id}-title" aria-describedby="{id}-desc" fill="currentColor" font-family="sans-serif" font-size="14">
<title id="{id}-title">{title}</title>
<desc id="{id}-desc">{description}{contents}</desc>
<text class="title" x="0" y="14">{title}</text>
{lanes}{axis}{legend}</svg>
"#
        )
    }
}

/// What is drawn, and where.
pub(super) struct Drawing {
    /// By task, then in order of start: so a thread has the same sign in every run.
    slices: Vec<Slice>,
    /// By task, then in order of time.
    pub(super) wakes: Vec<Wakeup>,
    pub(super) tasks: BTreeSet<String>,
    pub(super) threads: Threads,
    start: Duration,
    pub(super) total: Duration,
    /// Where the first moment is. The names of the tasks are left of it.
    pub(super) left: f64,
}

impl Drawing {
    pub(super) fn of(timeline: &Timeline) -> Drawing {
        let (mut slices, mut wakes) = (timeline.all(), timeline.wakes());
        slices.sort_by(|a, b| a.task.cmp(&b.task));
        wakes.sort_by(|a, b| a.task.cmp(&b.task));
        let ends = slices.iter().flat_map(|slice| [slice.start, slice.end]);
        let moments: Vec<Duration> = ends.chain(wakes.iter().map(|wake| wake.at)).collect();
        let start = moments.iter().min().copied().unwrap_or_default();
        let total = moments.iter().max().copied().unwrap_or_default() - start;

        let working = slices.iter().map(|slice| (&slice.task, slice.thread));
        let both = working.chain(wakes.iter().map(|wake| (&wake.task, wake.thread)));
        let tasks: BTreeSet<String> = both.clone().map(|(task, _)| task.clone()).collect();
        let threads = Threads::new(both.map(|(_, thread)| thread));
        let longest = tasks.iter().map(|task| task.chars().count()).max().unwrap_or(0);
        let left = 14.0 + 8.0 * longest as f64;
        Drawing { slices, wakes, tasks, threads, start, total, left }
    }

    fn slices(&self, task: &str) -> Vec<&Slice> {
        self.slices.iter().filter(|slice| slice.task == task).collect()
    }

    fn wakes(&self, task: &str) -> Vec<&Wakeup> {
        self.wakes.iter().filter(|wake| wake.task == task).collect()
    }

    /// How far right a moment is.
    fn x(&self, moment: Duration) -> f64 {
        let part = (moment - self.start).as_secs_f64() / self.total.as_secs_f64().max(1e-9);
        self.left + part * (WIDTH - RIGHT - self.left)
    }

    /// The lane of a task, whose bars begin `y` below the top.
    pub(super) fn lane(&self, task: &str, y: f64) -> String {
        let slices = self.slices(task);
        let edges = |slice: &Slice| [self.x(slice.start), self.x(slice.end)];
        let gap = |two: &[&Slice]| {
            let [from, to] = [two[0].end, two[1].start].map(|moment| self.x(moment));
            format!("M{from:.1} {MIDDLE}H{to:.1}")
        };
        let gaps: String = slices.windows(2).map(gap).collect();
        let of_thread = |&thread: &ThreadId| {
            let such = slices.iter().filter(|slice| slice.thread == thread);
            self.bars(thread, such.map(|slice| edges(slice)))
        };
        let threads = Threads::new(slices.iter().map(|slice| slice.thread));
        let bars: String = threads.0.iter().map(of_thread).collect();
        let middle = |slice: &&Slice| ((edges(slice)[0] + edges(slice)[1]) / 2.0, slice.thread);
        let signs = self.signs(slices.iter().map(middle), "middle", BASELINE);
        let [awaits, finished] = [Poll::Pending, Poll::Ready(())].map(|poll| {
            let such = slices.iter().filter(|slice| slice.poll == Some(poll));
            circles(poll, such.map(|slice| self.x(slice.end)))
        });
        let wakes = self.wakes(task);
        let wakes = self.triangles(wakes.iter().map(|wake| (self.x(wake.at), wake.thread)));
        format!(
            r#"<g transform="translate(0 {y})">
<text class="name" x="0" y="{BASELINE}">{name}</text>
<path class="task" stroke="currentColor" d="{gaps}"/>
{bars}{signs}{awaits}{finished}{wakes}</g>
"#,
            name = escape(task),
        )
    }

    /// Bars from edge to edge, with the stripes of their thread.
    fn bars(&self, thread: ThreadId, edges: impl Iterator<Item = [f64; 2]>) -> String {
        let (mut bars, mut stripes) = (String::new(), String::new());
        for [from, to] in edges {
            let to = to.max(from + 1.0);
            bars += &format!("M{from:.1} 0H{to:.1}V{BAR}H{from:.1}z");
            stripes += &format!("M{from:.1} {MIDDLE}H{to:.1}");
        }
        let dashes = STRIPES[self.threads.number(thread) % STRIPES.len()];
        format!(
            r#"<g class="slices" stroke="currentColor"><path fill-opacity="0.2" d="{bars}"/>
<path stroke-width="{BAR}" stroke-dasharray="{dashes}" d="{stripes}"/></g>
"#
        )
    }

    /// The signs of threads in one row, each at a place of its own.
    fn signs(&self, places: impl Iterator<Item = (f64, ThreadId)>, anchor: &str, y: f64) -> String {
        let (mut xs, mut signs) = (Vec::new(), String::new());
        for (x, thread) in places {
            xs.push(format!("{x:.1}"));
            signs.push(self.threads.sign(thread));
        }
        if signs.is_empty() {
            return signs;
        }
        format!(
            "<text class=\"sign\" text-anchor=\"{anchor}\" x=\"{}\" y=\"{y}\">{signs}</text>\n",
            xs.join(" "),
        )
    }

    /// Triangles that point at the bars from above, each with the sign of the thread that woke.
    fn triangles(&self, places: impl Iterator<Item = (f64, ThreadId)> + Clone) -> String {
        let triangle = |(x, _)| format!("M{:.1} -10h8l-4 7z", x - 4.0);
        let triangles: String = places.clone().map(triangle).collect();
        if triangles.is_empty() {
            return triangles;
        }
        let signs = self.signs(places.map(|(x, thread)| (x + 6.0, thread)), "start", -3.0);
        format!("<path class=\"wakes\" d=\"{triangles}\"/>\n{signs}")
    }

    /// From the first moment to the last, and the processor time in it.
    pub(super) fn axis(&self, y: f64, timeline: &Timeline) -> String {
        let evidence = timeline.parallel();
        format!(
            r#"<path class="axis" fill="none" stroke="currentColor" d="M{left} {y}v4H{right}v-4"/>
<text text-anchor="middle" x="{left}" y="{times}">0</text>
<text text-anchor="end" x="{WIDTH}" y="{times}">{total}</text>
<text x="{left}" y="{proof}">{of}: {evidence}</text>
"#,
            left = self.left,
            right = WIDTH - RIGHT,
            times = y + 20.0,
            proof = y + 42.0,
            of = if evidence.proven() { "proof" } else { "in all" },
            total = Millis(self.total),
        )
    }

    /// What the signs mean, as far as they occur, and the height of all.
    pub(super) fn legend(&self, mut y: f64) -> (String, f64) {
        let threads = self.threads.0.iter().map(|&id| {
            let bar = self.bars(id, [[0.0, 24.0]].into_iter());
            let sign = self.signs([(12.0, id)].into_iter(), "middle", BASELINE);
            (bar + &sign, format!("thread {}", self.threads.sign(id)))
        });
        let occurs = |poll: &Poll<()>| self.slices.iter().any(|slice| slice.poll == Some(*poll));
        let ends = [Poll::Pending, Poll::Ready(())].into_iter().filter(occurs).map(|poll| {
            let words = if poll.is_pending() { "await" } else { "finished" };
            (circles(poll, [12.0].into_iter()), words.to_owned())
        });
        let wakes = self.wakes.iter().take(1).map(|wake| {
            let triangle = self.triangles([(10.0, wake.thread)].into_iter());
            let triangle = format!("<g transform=\"translate(0 17)\">{triangle}</g>\n");
            (triangle, "wake, by a thread".to_owned())
        });
        let (threads, marks): (Vec<_>, Vec<_>) = (threads.collect(), ends.chain(wakes).collect());
        let mut out = String::new();
        for row in threads.chunks(4).chain(marks.chunks(4)) {
            for (n, (sign, words)) in row.iter().enumerate() {
                let x = self.left + n as f64 * 106.0;
                out += &format!("<g transform=\"translate({x} {y})\">\n{sign}");
                out += &format!("<text x=\"30\" y=\"{BASELINE}\">{words}</text></g>\n");
            }
            y += ROW;
        }
        (out, y)
    }

    /// What a lane holds, in words.
    pub(super) fn contents(&self, task: &str) -> String {
        let slices = self.slices(task);
        let ended = |poll| slices.iter().filter(|slice| slice.poll == Some(poll)).count();
        let threads = Threads::new(slices.iter().map(|slice| slice.thread));
        let signs: Vec<_> = threads.0.iter().map(|&id| self.threads.sign(id).to_string()).collect();
        let counts = [
            (slices.len(), "slice"),
            (ended(Poll::Pending), "await"),
            (self.wakes(task).len(), "wake"),
        ];
        let counts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| {
            let s = if *count == 1 { "" } else { "s" };
            format!("{count} {what}{s}, ")
        });
        let counts: String = counts.collect();
        let finished = if ended(Poll::Ready(())) > 0 { ", finished" } else { "" };
        format!("\n{}: {counts}on thread {}{finished}.", escape(task), signs.join(", "))
    }
}

/// Rings for awaits that were pending, or discs for ends.
fn circles(poll: Poll<()>, xs: impl Iterator<Item = f64>) -> String {
    let circle = |x| format!("<circle cx=\"{x:.1}\" cy=\"{MIDDLE}\" r=\"4\"/>");
    let circles: String = xs.map(circle).collect();
    let (class, fill) = match poll {
        Poll::Pending => ("awaits", "Canvas"),
        Poll::Ready(()) => ("finished", "currentColor"),
    };
    if circles.is_empty() {
        return circles;
    }
    format!("<g class=\"{class}\" fill=\"{fill}\" stroke=\"currentColor\">{circles}</g>\n")
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::super::{lock, tests::timeline};
    use super::*;

    /// A and B on one thread, C on another; A is woken once, from C's thread.
    fn drawn(title: &str, factor: u64) -> String {
        let slices =
            [("A", 0, 0, 20, 20), ("B", 0, 20, 40, 20), ("A", 0, 40, 45, 5), ("C", 1, 0, 9, 9)];
        let timeline = timeline(&slices.map(|(task, thread, start, end, cpu)| {
            (task, thread, start * factor, end * factor, cpu * factor)
        }));
        let mut slices = lock(&timeline.slices);
        let polls = [Some(Poll::Pending), None, Some(Poll::Ready(())), None];
        slices.iter_mut().zip(polls).for_each(|(slice, poll)| slice.poll = poll);
        let (thread, at) = (slices[3].thread, Duration::from_millis(30 * factor));
        drop(slices);
        lock(&timeline.wakes).push(Wakeup { task: "A".to_owned(), thread, at });
        timeline.svg(title, "What it shows.")
    }

    #[test]
    fn slices_awaits_and_wakes_are_drawn_in_their_lanes() {
        let svg = drawn("two threads", 1);
        // 442 of the width are for 45 ms.
        let a = "\
<g transform=\"translate(0 38)\">
<text class=\"name\" x=\"0\" y=\"15\">A</text>
<path class=\"task\" stroke=\"currentColor\" d=\"M218.4 10H414.9\"/>
<g class=\"slices\" stroke=\"currentColor\"><path fill-opacity=\"0.2\" d=\"M22.0 0H218.4V20H22.0zM414.9 0H464.0V20H414.9z\"/>
";
        assert!(svg.contains(a), "{svg}");
        for (times, part) in [
            (1, "x=\"120.2 439.4\" y=\"15\">00</text>"),
            (1, "<circle cx=\"218.4\" cy=\"10\" r=\"4\"/></g>\n<g class=\"finished\""),
            (1, "<path class=\"wakes\" d=\"M312.7 -10h8l-4 7z\"/>"),
            (1, "x=\"322.7\" y=\"-3\">1</text>"),
            (1, ">45.00 ms</text>"),
            (3, "class=\"name\""),
            (2, "class=\"finished\""),
            (2, "class=\"wakes\""),
        ] {
            assert_eq!(svg.matches(part).count(), times, "{part} in {svg}");
        }
    }

    #[test]
    fn the_text_alternative_says_what_is_drawn() {
        let desc = "<desc id=\"two-threads-desc\">What it shows.\n\
                    A: 2 slices, 1 await, 1 wake, on thread 0, finished.\n\
                    B: 1 slice, on thread 0.\nC: 1 slice, on thread 1.</desc>";
        let svg = drawn("two threads", 1);
        assert!(svg.contains(desc), "{svg}");
        assert!(svg.contains("aria-labelledby=\"two-threads-title\""), "{svg}");
        assert!(svg.contains("<title id=\"two-threads-title\">two threads</title>"), "{svg}");
    }

    #[test]
    fn text_is_escaped() {
        let svg = drawn("a<b> & \"c\"", 1);
        assert!(svg.contains("<title id=\"a-b-c-title\">a&lt;b&gt; &amp; \"c\"</title>"), "{svg}");
        let timeline = Timeline::new();
        timeline.slice("Vec<u8>", || ());
        assert!(timeline.svg("", "").contains(">Vec&lt;u8&gt;</text>"));
    }

    #[test]
    fn only_numbers_differ_between_runs_of_one_order() {
        let shape = |svg: String| -> String { svg.chars().filter(|c| !c.is_numeric()).collect() };
        assert_eq!(shape(drawn("T", 1)), shape(drawn("T", 7)));
        for tasks in [["A", "B"], ["B", "A"]] {
            let timeline = Timeline::new();
            for task in tasks {
                thread::scope(|scope| scope.spawn(|| timeline.slice(task, || ())).join()).unwrap();
            }
            let svg = timeline.svg("T", "D");
            assert!(svg.contains("A: 1 slice, on thread 0.\nB: 1 slice, on thread 1."), "{svg}");
        }
    }

    #[test]
    fn nothing_at_all_is_drawn_without_a_lane() {
        let svg = Timeline::new().svg("nothing", "Nothing was recorded.");
        assert!(svg.contains("</title>") && !svg.contains("NaN") && !svg.contains("<g"), "{svg}");
    }
}
