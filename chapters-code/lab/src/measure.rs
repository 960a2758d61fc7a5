//! What something costs: memory from the kernel's own accounting, medians, and tables of them.
//!
//! # How to measure
//!
//! Measure everything that is to be compared in each round, one after the other, and take the medians
//! of the rounds: what the machine does besides then falls on all of it. Compare by
//! [`Table::ratio`] within one run. A figure of another run or another machine is no measure.
//!
//! # What the kernel accounts for
//!
//! | field | file in `/proc` | what it misses |
//! |---|---|---|
//! | [`resident`](Memory::resident) | `PID/smaps_rollup`, `Rss` | what is swapped out; pages shared with other processes count in full |
//! | [`page_tables`](Memory::page_tables) | `PID/status`, `VmPTE` | |
//! | [`address_space`](Memory::address_space) | `PID/status`, `VmSize` | it is a promise, not memory |
//! | [`data`](Memory::data) | `PID/status`, `VmData` | it is a promise too |
//! | [`mappings`](Memory::mappings) | `PID/maps`, its lines | |
//! | [`kernel`](Memory::kernel) | `meminfo`, `KernelStack` and `SUnreclaim` | whose it is: it counts the whole machine, so only a large difference means something; socket buffers and other pages that are in neither |
//!
//! `smaps_rollup` and not `VmRSS`, which the kernel keeps in a counter for each core and adds up
//! roughly (`proc_pid_status(5)`).

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::thread;

/// Runs `body` between two marks, by which whoever traces this process knows what to count.
pub fn marked<T>(body: impl FnOnce() -> T) -> T {
    mark();
    let result = body();
    mark();
    result
}

/// A system call that fails, and that nobody else makes: no descriptor is -1.
fn mark() {
    // SAFETY: close takes an integer, and this one names no descriptor.
    unsafe { libc::close(-1) };
}

/// One line that says on what was measured: cores, kernel, processor where the kernel names it, and
/// the compiler that built this crate.
pub fn machine() -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let s = if cores == 1 { "" } else { "s" };
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or(std::env::consts::ARCH, |(_, name)| name);
    let rustc = env!("LAB_RUSTC");
    format!("machine: {cores} core{s}, {model}, Linux {}, {rustc}", kernel.trim())
}

/// Whether another processor plays the one that this was compiled for, as under `qemu-user`: then
/// times mean nothing. The kernel names the real one.
pub fn emulated() -> bool {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    !cfg!(target_arch = "x86_64") && cpuinfo.contains("vendor_id")
}

/// The middle one of `values`, the upper one of two.
///
/// # Panics
///
/// If there are none.
pub fn median<T: Copy + PartialOrd>(values: &[T]) -> T {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| a.partial_cmp(b).expect("values that compare"));
    sorted[sorted.len() / 2]
}

/// What a process has of the machine's memory at one moment, in bytes: see the module's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Its pages that are in memory.
    pub resident: u64,
    /// The tables by which the processor finds them.
    pub page_tables: u64,
    /// The addresses that it may use.
    pub address_space: u64,
    /// Those of them that are private and may be written: what `RLIMIT_DATA` limits.
    pub data: u64,
    /// How many mappings these are in.
    pub mappings: u64,
    /// Stacks and objects of the kernel, those of all processes.
    pub kernel: u64,
}

impl Memory {
    /// Of this process.
    pub fn now() -> io::Result<Memory> {
        Memory::of(std::process::id())
    }

    /// Of another process of the same user.
    pub fn of(pid: u32) -> io::Result<Memory> {
        let process = PathBuf::from(format!("/proc/{pid}"));
        let status = fs::read_to_string(process.join("status"))?;
        let meminfo = fs::read_to_string("/proc/meminfo")?;
        Ok(Memory {
            resident: kib(&fs::read_to_string(process.join("smaps_rollup"))?, "Rss:")?,
            page_tables: kib(&status, "VmPTE:")?,
            address_space: kib(&status, "VmSize:")?,
            data: kib(&status, "VmData:")?,
            mappings: lines(&process.join("maps"))?,
            kernel: kib(&meminfo, "KernelStack:")? + kib(&meminfo, "SUnreclaim:")?,
        })
    }

    /// What was added since `earlier`, for each of `count`; 0 where it became less.
    pub fn each_since(&self, earlier: &Memory, count: usize) -> Memory {
        let each = |of: fn(&Memory) -> u64| {
            let added = of(self).saturating_sub(of(earlier));
            (added as f64 / count as f64).round() as u64
        };
        Memory {
            resident: each(|memory| memory.resident),
            page_tables: each(|memory| memory.page_tables),
            address_space: each(|memory| memory.address_space),
            data: each(|memory| memory.data),
            mappings: each(|memory| memory.mappings),
            kernel: each(|memory| memory.kernel),
        }
    }

    /// What the kernel charges to the process itself: its pages and their tables.
    pub fn own(&self) -> u64 {
        self.resident + self.page_tables
    }
}

/// The value of a line such as `Rss:   1620 kB`, in bytes.
fn kib(text: &str, key: &str) -> io::Result<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    let value = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    value.map(|kib| kib << 10).ok_or_else(|| io::Error::other(format!("no `{key}` in /proc")))
}

/// How many lines a file has, without keeping them: they would be part of what is measured.
fn lines(file: &Path) -> io::Result<u64> {
    let (mut file, mut buffer, mut lines) = (File::open(file)?, [0; 8192], 0);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(lines),
            n => lines += buffer[..n].iter().filter(|byte| **byte == b'\n').count() as u64,
        }
    }
}

/// A table of medians: a row for each measure, a column for each thing measured.
///
/// ```
/// use lab::measure::Table;
///
/// let mut table = Table::new("for one of them", &["thread", "task"]);
/// for (thread, task) in [(9_000, 400), (70_000, 500), (10_000, 450)] {
///     table.add("memory, bytes", "thread", thread);
///     table.add("memory, bytes", "task", task);
/// }
/// assert_eq!(table.median("memory, bytes", "thread"), Some(10_000));
/// assert_eq!(table.ratio("memory, bytes", "thread", "task").unwrap().round(), 22.0);
/// assert_eq!(Table::parse(&table.to_string()).unwrap().to_string(), table.to_string());
/// ```
#[derive(Clone, Debug)]
pub struct Table {
    corner: String,
    columns: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Clone, Debug)]
struct Row {
    name: String,
    /// For each column the values of all rounds.
    cells: Vec<Vec<u64>>,
}

impl Table {
    /// An empty table with `corner` above the names of its rows.
    pub fn new(corner: &str, columns: &[&str]) -> Table {
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        Table { corner: corner.to_owned(), columns, rows: Vec::new() }
    }

    /// Adds what was measured in one round. Rows stand in the order in which they first came.
    ///
    /// # Panics
    ///
    /// If there is no such column.
    pub fn add(&mut self, row: &str, column: &str, value: u64) {
        let at = self.column(column).unwrap_or_else(|| panic!("no column `{column}`"));
        let row = match self.rows.iter_mut().position(|known| known.name == row) {
            Some(known) => &mut self.rows[known],
            None => {
                let cells = vec![Vec::new(); self.columns.len()];
                self.rows.push(Row { name: row.to_owned(), cells });
                self.rows.last_mut().expect("it was just added")
            }
        };
        row.cells[at].push(value);
    }

    /// The median of the rounds, if there were any.
    pub fn median(&self, row: &str, column: &str) -> Option<u64> {
        let row = self.rows.iter().find(|known| known.name == row)?;
        let cell = &row.cells[self.column(column)?];
        (!cell.is_empty()).then(|| median(cell))
    }

    /// How many times the median of `to` the median of `column` is; `None` where either is
    /// missing or `to` is 0.
    pub fn ratio(&self, row: &str, column: &str, to: &str) -> Option<f64> {
        let (of, to) = (self.median(row, column)?, self.median(row, to)?);
        (to > 0).then(|| of as f64 / to as f64)
    }

    fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    /// Reads the first table in `text` that was printed by [`Table`]; two blanks part its cells.
    pub fn parse(text: &str) -> Option<Table> {
        let mut lines = text.lines().map(cells).peekable();
        loop {
            let header = lines.next()?;
            let (Some((corner, columns)), Some(next)) = (header.split_first(), lines.peek()) else {
                continue;
            };
            if columns.is_empty() || numbers(next).is_none_or(|(_, n)| n.len() != columns.len()) {
                continue;
            }
            let mut table = Table::new(corner, columns);
            while let Some((row, values)) = lines.peek().and_then(|line| numbers(line)) {
                for (column, value) in columns.iter().zip(values) {
                    table.add(row, column, value);
                }
                lines.next();
            }
            return Some(table);
        }
    }
}

fn cells(line: &str) -> Vec<&str> {
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()
}

/// A row's name and its numbers, if all its cells are numbers.
fn numbers<'a>(line: &[&'a str]) -> Option<(&'a str, Vec<u64>)> {
    let (name, cells) = line.split_first()?;
    let numbers: Option<Vec<u64>> =
        cells.iter().map(|cell| cell.replace(',', "").parse().ok()).collect();
    Some((*name, numbers.filter(|numbers| !numbers.is_empty())?))
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.rows.iter().map(|row| &row.name).chain([&self.corner]);
        let first = names.map(|name| name.chars().count()).max().unwrap_or_default();
        write!(f, "{:<first$}", self.corner)?;
        for column in &self.columns {
            write!(f, "  {column:>10}")?;
        }
        for row in &self.rows {
            write!(f, "\n{:<first$}", row.name)?;
            for cell in &row.cells {
                let median = (!cell.is_empty()).then(|| thousands(median(cell)));
                write!(f, "  {:>10}", median.as_deref().unwrap_or("-"))?;
            }
        }
        writeln!(f)
    }
}

/// A number with commas: `65,530`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let comma = |at: usize| at > 0 && (digits.len() - at).is_multiple_of(3);
    let with_commas = |(at, digit)| [comma(at).then_some(','), Some(digit)];
    digits.chars().enumerate().flat_map(with_commas).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_parted_at_the_thousands() {
        let shown = [0, 999, 1_000, 65_530, 4_194_304].map(thousands);
        assert_eq!(shown, ["0", "999", "1,000", "65,530", "4,194,304"]);
    }

    #[test]
    fn a_table_is_found_among_other_lines() {
        let text =
            "machine: 2 cores\nmedians of 5  rounds\n\neach    a      b\nx  1,000   7\ny y  2  3\n";
        let table = Table::parse(text).unwrap();
        assert_eq!((table.median("x", "a"), table.median("y y", "b")), (Some(1000), Some(3)));
        assert_eq!(Table::parse("no table\nat all\n").map(|_| ()), None);
    }

    #[test]
    fn touched_memory_is_resident_and_reserved_memory_is_not() {
        // The other tests of this process take memory and give it back: a few MiB of room.
        let before = Memory::now().unwrap();
        let mut reserved: Vec<u8> = Vec::with_capacity(64 << 20);
        let with = Memory::now().unwrap().each_since(&before, 1);
        assert!(with.address_space >= 60 << 20 && with.resident < 32 << 20, "{with:?}");
        reserved.resize(64 << 20, 1);
        let with = Memory::now().unwrap().each_since(&before, 1);
        assert!(with.resident >= 60 << 20, "{with:?}");
    }
}
