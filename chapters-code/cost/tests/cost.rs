//! What the note on the cost of waiting claims. What is measured is measured in a process of its
//! own, in which no other test allocates.

use std::fs;
use std::hint;
use std::io::ErrorKind;
use std::os::unix::net;
use std::panic;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Barrier};
use std::thread::{self, Builder};
use std::time::Duration;

use cost::limits::{Limit, Met, Squeeze, least, meet, one_thread, too_many_mappings};
use cost::{
    Crowd, DEEP, Fibers, Goroutines, MEMORY, Tasks, Threads, go_deep, measure, read, scoped,
    wait_as_task, wait_for_byte, with_buffer,
};
use lab::doomed::{self, Ended, Ending};
use lab::measure::Memory;
use tokio::net::UnixStream;
use tokio::sync::Notify;

#[test]
fn an_idle_thread_costs_ten_times_a_task_that_keeps_under_256_bytes() {
    passes(doomed::child(
        "an_idle_thread_costs_ten_times_a_task_that_keeps_under_256_bytes",
        || {
            let (mut tasks, mut threads) = (Tasks::new().unwrap(), Threads::new());
            let crowds: &mut [(&mut dyn Crowd, usize)] =
                &mut [(&mut tasks, 10_000), (&mut threads, 200)];
            let table = measure(crowds, 3, 0).unwrap();
            let ratio = table.ratio(MEMORY, "thread", "task").unwrap();
            assert!(ratio >= 10.0, "a thread costs only {ratio:.1} times a task\n{table}");
            let future = wait_as_task(Arc::default(), Arc::default());
            assert!(size_of_val(&future) < 256, "it keeps {} bytes", size_of_val(&future));
        },
    ));
}

#[test]
fn a_goroutine_costs_more_than_a_task_and_less_than_a_thread() {
    let name = "a_goroutine_costs_more_than_a_task_and_less_than_a_thread";
    passes(doomed::child(name, || {
        let mut goroutines = match Goroutines::new() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                println!("\nskipped: there is no `go` here to run the goroutines");
                return;
            }
            goroutines => goroutines.unwrap(),
        };
        let (mut tasks, mut threads) = (Tasks::new().unwrap(), Threads::new());
        let crowds: &mut [(&mut dyn Crowd, usize)] =
            &mut [(&mut tasks, 10_000), (&mut goroutines, 10_000), (&mut threads, 200)];
        let table = measure(crowds, 3, 0).unwrap();
        assert!(table.ratio(MEMORY, "goroutine", "task").unwrap() >= 2.0, "\n{table}");
        assert!(table.ratio(MEMORY, "thread", "goroutine").unwrap() >= 2.0, "\n{table}");
    }));
}

#[test]
fn a_fiber_costs_more_than_a_task_and_less_than_a_thread() {
    passes(doomed::child("a_fiber_costs_more_than_a_task_and_less_than_a_thread", || {
        let (mut tasks, mut fibers, mut threads) =
            (Tasks::new().unwrap(), Fibers::new(), Threads::new());
        let crowds: &mut [(&mut dyn Crowd, usize)] =
            &mut [(&mut tasks, 10_000), (&mut fibers, 10_000), (&mut threads, 200)];
        let table = measure(crowds, 3, 0).unwrap();
        assert!(table.ratio(MEMORY, "fiber", "task").unwrap() >= 2.0, "\n{table}");
        assert!(table.ratio(MEMORY, "thread", "fiber").unwrap() >= 2.0, "\n{table}");
    }));
}

#[test]
fn to_spawn_a_future_costs_less_than_512_bytes_more_than_the_future() {
    let name = "to_spawn_a_future_costs_less_than_512_bytes_more_than_the_future";
    passes(doomed::child(name, || {
        let future = size_of_val(&wait_as_task(Arc::default(), Arc::default())) as u64;
        let mut tasks = Tasks::new().unwrap();
        tasks.add(1_000).unwrap();
        let task = each(&mut tasks, 10_000);
        assert!((future..future + 512).contains(&task.own()), "{future} bytes: {task:?}");
    }));
}

#[test]
fn a_thread_costs_ten_times_a_task_that_waits_for_a_socket_too() {
    passes(doomed::child("a_thread_costs_ten_times_a_task_that_waits_for_a_socket_too", || {
        const SOCKETS: usize = 200;
        let (socket, _peer) = net::UnixStream::pair().unwrap();
        let future = size_of_val(&wait_on(socket, Arc::default())) as u64;
        let pairs: Vec<_> = (0..SOCKETS).map(|_| net::UnixStream::pair().unwrap()).collect();
        let (mine, _peers): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        let mut tasks = Tasks::new().unwrap();
        // Into the heap that is free already: what follows has to be taken from the kernel.
        tasks.add(1_000).unwrap();
        let mut threads = Threads::new();
        threads.add(SOCKETS).unwrap();
        let thread = each(&mut threads, SOCKETS);

        let before = Memory::now().unwrap();
        let mut sockets = mine.into_iter();
        tasks.spawn(SOCKETS, |arrived| wait_on(sockets.next().unwrap(), arrived));
        let task = Memory::now().unwrap().each_since(&before, SOCKETS);
        assert!(task.own() >= future, "less than its future of {future} bytes: {task:?}");
        assert!(thread.own() >= 10 * task.own(), "{thread:?}\n{task:?}");
    }));
}

#[test]
fn a_switch_by_a_byte_on_a_socket_is_not_ten_times_cheaper_for_a_task() {
    let name = "a_switch_by_a_byte_on_a_socket_is_not_ten_times_cheaper_for_a_task";
    passes(doomed::child(name, || {
        const ROUND_TRIPS: u32 = 1_000;
        let (mut tasks, mut threads) = (Tasks::new().unwrap(), Threads::new());
        // Of each the round that others disturbed least.
        let [mut task, mut thread, mut by_a_word] = [Duration::MAX; 3];
        for _ in 0..10 {
            task = task.min(tasks.pass_byte(ROUND_TRIPS).unwrap());
            thread = thread.min(threads.pass_byte(ROUND_TRIPS).unwrap());
            by_a_word = by_a_word.min(tasks.pass(ROUND_TRIPS).unwrap());
        }
        assert!(thread < 10 * task, "by a byte: thread {thread:?}, task {task:?}");
        assert!(10 * by_a_word < task, "task: by a word {by_a_word:?}, by a byte {task:?}");
    }));
}

async fn wait_on(socket: net::UnixStream, arrived: Arc<AtomicUsize>) {
    socket.set_nonblocking(true).unwrap();
    wait_for_byte(arrived, UnixStream::from_std(socket).unwrap()).await;
}

#[test]
fn a_buffer_held_across_an_await_is_in_the_future() {
    let word = Notify::new();
    assert!(size_of_val(&with_buffer(&word, read)) >= 16 << 10);
}

#[test]
fn a_buffer_that_is_scoped_away_is_not_in_the_future() {
    let word = Notify::new();
    let size = size_of_val(&scoped(&word, read));
    assert!(size < 256, "the buffer is in the future, which has {size} bytes");
}

#[test]
fn a_buffer_that_was_never_borrowed_is_in_the_future_only_while_it_will_be_read() {
    let word = Notify::new();
    let size = size_of_val(&async {
        let buffer = hint::black_box([1_u8; 16 << 10]);
        let first = buffer[0];
        word.notified().await;
        first
    });
    assert!(size < 256, "{size} bytes");
}

/// Not `Copy`, and without a destructor.
struct Buffer([u8; 16 << 10]);

/// With a destructor.
struct Dropped([u8; 16 << 10]);

impl Drop for Dropped {
    fn drop(&mut self) {
        hint::black_box(&self.0);
    }
}

#[test]
#[expect(clippy::drop_non_drop, reason = "that a move does not help is what is tested")]
fn a_buffer_that_was_borrowed_stays_in_the_future_even_if_it_was_moved_away() {
    let word = Notify::new();
    let size = size_of_val(&async {
        let buffer = Buffer([0; 16 << 10]);
        hint::black_box(&buffer.0);
        drop(buffer);
        word.notified().await;
    });
    assert!(size >= 16 << 10, "{size} bytes");
    let size = size_of_val(&async {
        let buffer = Buffer(hint::black_box([0; 16 << 10]));
        drop(buffer);
        word.notified().await;
    });
    assert!(size < 256, "{size} bytes if it was not borrowed");
}

#[test]
fn a_buffer_with_a_destructor_is_in_the_future_to_the_end_of_its_scope() {
    let word = Notify::new();
    let size = size_of_val(&async {
        let buffer = Dropped(hint::black_box([0; 16 << 10]));
        let first = buffer.0[0];
        word.notified().await;
        first
    });
    assert!(size >= 16 << 10, "{size} bytes");
}

#[test]
fn a_stack_of_two_mebibytes_is_less_than_64_kib_of_memory() {
    passes(doomed::child("a_stack_of_two_mebibytes_is_less_than_64_kib_of_memory", || {
        if other_pages() {
            return;
        }
        let thread = each(&mut Threads::new(), 200);
        assert!(thread.address_space >= 2 << 20, "{thread:?}");
        assert!(thread.own() < 64 << 10, "an idle thread has {} bytes of memory", thread.own());
    }));
}

#[test]
fn a_thread_keeps_the_stack_that_it_once_used() {
    passes(doomed::child("a_thread_keeps_the_stack_that_it_once_used", || {
        let mut threads = Threads::new();
        threads.first = go_deep;
        let thread = each(&mut threads, 50);
        assert!(thread.resident >= DEEP as u64, "{thread:?}");
    }));
}

#[test]
fn a_thread_that_ends_gives_back_the_stack_that_it_used() {
    passes(doomed::child("a_thread_that_ends_gives_back_the_stack_that_it_used", || {
        const THREADS: usize = 50;
        let (deep, leave) = (Barrier::new(THREADS + 1), Barrier::new(THREADS + 1));
        let resident = || Memory::now().unwrap().resident;
        thread::scope(|scope| {
            let threads = [(); THREADS].map(|()| {
                scope.spawn(|| {
                    go_deep();
                    deep.wait();
                    leave.wait();
                })
            });
            deep.wait();
            let there = resident();
            leave.wait();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            let given_back = there.saturating_sub(resident()) as usize;
            assert!(given_back > THREADS * DEEP * 9 / 10, "{given_back} bytes of {there}");
        });
    }));
}

#[test]
fn a_small_stack_saves_page_tables_and_not_the_pages() {
    passes(doomed::child("a_small_stack_saves_page_tables_and_not_the_pages", || {
        if other_pages() {
            return;
        }
        let (mut many, mut few) = (Threads::new(), Threads::new());
        few.stack = 64 << 10;
        let (large, small) = (each(&mut many, 400), each(&mut few, 400));
        assert!(small.resident * 2 > large.resident, "{small:?}\n{large:?}");
        assert!(small.page_tables * 4 < large.page_tables, "{small:?}\n{large:?}");
        assert!(small.mappings == large.mappings, "{small:?}\n{large:?}");
        // Others start and end threads too, so it is enough if a round was undisturbed.
        let mut rounds = (0..50).map(|_| [kernel_stacks(&mut many), kernel_stacks(&mut few)]);
        let same = |&[many, few]: &[u64; 2]| many > 0 && many.abs_diff(few) * 5 < many;
        assert!(rounds.any(|round| same(&round)), "the kernel's stacks depend on the process's");
    }));
}

/// By how many KiB the kernel's stacks grow, those of the whole machine, if 200 threads are added.
fn kernel_stacks(threads: &mut Threads) -> u64 {
    let now = || {
        let meminfo = fs::read_to_string("/proc/meminfo").unwrap();
        let line = meminfo.lines().find_map(|line| line.strip_prefix("KernelStack:"));
        line.unwrap().trim_end_matches("kB").trim().parse::<u64>().unwrap()
    };
    let before = now();
    threads.add(200).unwrap();
    now().saturating_sub(before)
}

#[test]
fn thread_spawn_panics_where_builder_spawn_returns_the_error() {
    let name = "thread_spawn_panics_where_builder_spawn_returns_the_error";
    passes(doomed::child(name, || {
        // Room for signal stacks and for messages, and not for another stack of 2 MiB.
        let most = Memory::now().unwrap().address_space + (1 << 20);
        let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
        // SAFETY: the kernel reads the struct during the call.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);

        let error = Builder::new().spawn(|| {}).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EAGAIN), "{error}");

        let panic = panic::catch_unwind(|| thread::spawn(|| {})).unwrap_err();
        let words = panic.downcast_ref::<String>().expect("a panic with a message");
        assert!(words.starts_with("failed to spawn thread"), "{words}");
    }));
}

#[test]
fn threads_end_where_the_mappings_run_out_as_predicted() {
    let ended = doomed::child("threads_end_where_the_mappings_run_out_as_predicted", || {
        if nothing_to_squeeze() {
            return;
        }
        let room = 300 * one_thread().unwrap().mappings;
        meet(Squeeze::Mappings(room)).unwrap();
    });
    let met = as_predicted(&ended, "vm.max_map_count");
    assert!(met.is_none_or(|met| met.error.is_some()), "{ended}");
}

#[test]
fn threads_end_where_the_addresses_run_out_as_predicted() {
    let ended = doomed::child("threads_end_where_the_addresses_run_out_as_predicted", || {
        let each = one_thread().unwrap().address_space;
        meet(Squeeze::Addresses(300 * each + each / 2)).unwrap();
    });
    let met = as_predicted(&ended, "RLIMIT_AS");
    assert!(met.is_none_or(|met| met.error.is_some()), "{ended}");
}

#[test]
fn threads_end_where_the_data_runs_out_as_predicted() {
    let ended = doomed::child("threads_end_where_the_data_runs_out_as_predicted", || {
        let each = one_thread().unwrap().data;
        meet(Squeeze::Data(300 * each + each / 2)).unwrap();
    });
    let met = as_predicted(&ended, "RLIMIT_DATA");
    assert!(met.is_none_or(|met| met.error.is_some()), "{ended}");
}

#[test]
fn the_process_dies_where_a_signal_stack_finds_no_addresses() {
    let ended = doomed::child("the_process_dies_where_a_signal_stack_finds_no_addresses", || {
        // Of the addresses for the last thread one page is missing, and its signal stack comes
        // last.
        meet(Squeeze::Addresses(11 * one_thread().unwrap().address_space - page_size())).unwrap();
    });
    if as_predicted(&ended, "RLIMIT_AS").is_some() {
        dies_for_want_of_a_signal_stack(&ended);
    }
}

#[test]
fn the_process_dies_where_a_signal_stack_is_the_mapping_too_many() {
    let ended =
        doomed::child("the_process_dies_where_a_signal_stack_is_the_mapping_too_many", || {
            if nothing_to_squeeze() {
                return;
            }
            let room = 300 * one_thread().unwrap().mappings + 2;
            meet(Squeeze::Mappings(room)).unwrap();
        });
    if as_predicted(&ended, "vm.max_map_count").is_some() {
        dies_for_want_of_a_signal_stack(&ended);
    }
}

fn dies_for_want_of_a_signal_stack(ended: &Ended) {
    assert_eq!(ended.how.to_string(), "killed by SIGABRT", "{ended}");
    assert!(ended.stderr.contains("alternative stack"), "{ended}");
}

#[test]
fn the_least_limit_is_the_one_that_allows_the_fewest_threads() {
    let limits = [
        Limit { name: "large, and much for each", left: 1_000_000, each: 10_000 },
        Limit { name: "small, and little for each", left: 1_000, each: 1 },
        Limit { name: "none", left: u64::MAX, each: 1 },
    ];
    assert_eq!((least(&limits).name, least(&limits).threads()), ("large, and much for each", 100));
}

/// The prediction was right within 15 percent. `None` where it could not be tried.
fn as_predicted(ended: &Ended, limit: &str) -> Option<Met> {
    if ended.stdout.contains("skipped: ") {
        print!("\n{}", ended.stdout);
        return None;
    }
    let met = Met::parse(&ended.stdout).unwrap_or_else(|| panic!("{ended}"));
    let Met { predicted, started, .. } = met;
    let close = (85 * started..=115 * started).contains(&(100 * predicted));
    assert!(close, "{predicted} threads predicted, {started} started\n{ended}");
    if met.limit != limit {
        println!("\nskipped: the least limit here is {}, not {limit}", met.limit);
        return None;
    }
    Some(met)
}

/// What one more of the crowd costs, if there are `count` more.
fn each(crowd: &mut impl Crowd, count: usize) -> Memory {
    let before = Memory::now().unwrap();
    crowd.add(count).unwrap();
    Memory::now().unwrap().each_since(&before, count)
}

fn passes(ended: Ended) {
    print!("\n{}", ended.stdout);
    assert!(ended.how == Ending::Passed, "{ended}");
}

fn nothing_to_squeeze() -> bool {
    let reason = too_many_mappings().unwrap();
    reason.inspect(|reason| println!("\nskipped: {reason}")).is_some()
}

/// Whether the kernel gives a stack other pages than those of 4 KiB.
fn other_pages() -> bool {
    let size = page_size();
    let huge = fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled");
    let always = huge.is_ok_and(|huge| huge.contains("[always]"));
    let other = size != 4096 || always && !a_stack_refuses_huge_pages();
    if other {
        println!("\nskipped: pages of {size} bytes, or huge pages for stacks: other figures");
    }
    other
}

/// Whether the kernel has marked the stack of a new thread as one without huge pages: `nh` among the
/// `VmFlags` of its mapping in `/proc/self/smaps`.
fn a_stack_refuses_huge_pages() -> bool {
    let flags = thread::spawn(|| {
        let local = 0_u8;
        flags_around((&raw const local).addr())
    });
    flags.join().unwrap().split_whitespace().any(|flag| flag == "nh")
}

/// The `VmFlags` of the mapping around an address.
fn flags_around(address: usize) -> String {
    let smaps = fs::read_to_string("/proc/self/smaps").unwrap();
    let range = |line: &str| {
        let (from, to) = line.split_once(' ')?.0.split_once('-')?;
        let parse = |hex| usize::from_str_radix(hex, 16).ok();
        Some(parse(from)?..parse(to)?)
    };
    let mut lines = smaps.lines();
    lines.find(|line| range(line).is_some_and(|range| range.contains(&address))).expect("mapped");
    lines.find_map(|line| line.strip_prefix("VmFlags:")).expect("flags of a mapping").to_owned()
}

#[test]
fn a_stack_has_no_huge_pages_since_linux_6_7() {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse().unwrap_or(0));
    let version: [u32; 2] = [numbers.next().unwrap(), numbers.next().unwrap()];
    if version < [6, 7] || !fs::exists("/sys/kernel/mm/transparent_hugepage").unwrap() {
        println!("\nskipped: Linux {}, or one without huge pages", release.trim());
        return;
    }
    assert!(a_stack_refuses_huge_pages());
}

fn page_size() -> u64 {
    // SAFETY: sysconf takes a number.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as u64 }
}
