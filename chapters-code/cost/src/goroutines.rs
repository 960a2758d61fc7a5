use std::io::{self, BufRead, BufReader, Error, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::Crowd;

/// Goroutines that wait, in a process of their own: `go/idle.go`.
pub struct Goroutines {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    pid: u32,
    version: String,
}

impl Goroutines {
    /// None yet. The error is [`io::ErrorKind::NotFound`] where there is no `go`.
    pub fn new() -> io::Result<Goroutines> {
        let mut child = Command::new("go")
            .args(["run", concat!(env!("CARGO_MANIFEST_DIR"), "/go/idle.go")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        let mut crowd = Goroutines { child, orders, answers, pid: 0, version: String::new() };
        crowd.pid = crowd.answer()? as u32;
        crowd.answers.read_line(&mut crowd.version)?;
        Ok(crowd)
    }

    /// Go's version, as Go calls it.
    pub fn version(&self) -> &str {
        self.version.trim()
    }

    fn answer(&mut self) -> io::Result<u64> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        line.trim().parse().map_err(|_| Error::other(format!("go/idle.go answered {line:?}")))
    }

    fn order(&mut self, order: &str, count: usize) -> io::Result<Duration> {
        let mut orders = self.orders.as_ref().expect("orders are taken until the drop");
        writeln!(orders, "{order} {count}")?;
        self.answer().map(Duration::from_nanos)
    }
}

impl Crowd for Goroutines {
    fn name(&self) -> &'static str {
        "goroutine"
    }

    fn pid(&self) -> u32 {
        self.pid
    }

    fn add(&mut self, count: usize) -> io::Result<Duration> {
        self.order("add", count)
    }

    fn pass(&mut self, round_trips: u32) -> io::Result<Duration> {
        Ok(self.order("pass", round_trips as usize)? / (2 * round_trips))
    }

    fn pass_byte(&mut self, round_trips: u32) -> io::Result<Duration> {
        Ok(self.order("byte", round_trips as usize)? / (2 * round_trips))
    }
}

impl Drop for Goroutines {
    /// The program ends when no more orders can come.
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.child.wait();
    }
}
