//! What the pool and the guards owe those who use stacks. Each message says what was done, what had to come of
//! it, and what came.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::thread;

use fibers::stack::{Guard, KEPT, LARGEST, SMALLEST, Stack, guard_by};
use lab::doomed::{self, Ending, Signal};
use lab::measure::Memory;

/// What was done, what had to come of it, and what came.
#[track_caller]
fn must<T: PartialEq + std::fmt::Debug>(done: &str, right: T, came: T) {
    assert!(came == right, "{done}: expected {right:?}; got {came:?}");
}

fn stacks(count: usize) -> Vec<Stack> {
    (0..count).map(|_| Stack::new(SMALLEST).expect("there is room")).collect()
}

/// Writes to the highest word of a stack.
fn write(stack: &Stack, value: u64) {
    // SAFETY: the word belongs to the stack, and nobody runs on it.
    unsafe { stack.top().cast::<u64>().sub(1).write_volatile(value) }
}

fn read(stack: &Stack) -> u64 {
    // SAFETY: as in `write`.
    unsafe { stack.top().cast::<u64>().sub(1).read_volatile() }
}

/// Whether a test can start its own program again; else says why not.
fn can_start_itself() -> bool {
    let emulated = lab::measure::emulated();
    if emulated {
        println!("skipped: a program for another processor cannot start itself again");
    }
    !emulated
}

/// In a process of its own, whose panic is this one's.
#[track_caller]
fn alone(test: &str, body: impl FnOnce()) {
    if !can_start_itself() {
        return;
    }
    let ended = doomed::child(test, body);
    let said = ended.stderr.split("panicked at ").nth(1).and_then(|said| said.lines().nth(1));
    let how = ended.how.to_string();
    assert!(ended.how == Ending::Passed, "{}\n{ended}", said.unwrap_or(&how));
}

/// What a process dies of that writes to the page below the stack that `of` gives back.
#[track_caller]
fn dies_below(test: &str, done: &str, of: impl FnOnce() -> Stack) {
    if !can_start_itself() {
        return;
    }
    let ended = doomed::child(test, || {
        let stack = of();
        // SAFETY: the process ends here, or nothing of it is looked at any more.
        unsafe { stack.bottom().sub(1).write_volatile(1) }
    });
    let (right, came) = (Ending::Killed(Signal(libc::SIGSEGV)), &ended.how);
    assert!(*came == right, "wrote below {done}: expected {right}; got {came}\n{ended}");
}

thread_local! {
    /// How often this thread has allocated, and how many bytes.
    static ALLOCATED: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

struct Counts;

#[global_allocator]
static COUNTS: Counts = Counts;

// SAFETY: all that it returns is the system's.
unsafe impl GlobalAlloc for Counts {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (times, bytes) = ALLOCATED.get();
        ALLOCATED.set((times + 1, bytes + layout.size()));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) }
    }
}

/// How often `body` allocates, and how many bytes.
fn allocated(body: impl FnOnce()) -> (usize, usize) {
    let before = ALLOCATED.get();
    body();
    let after = ALLOCATED.get();
    (after.0 - before.0, after.1 - before.1)
}

/// Has the kernel refuse guards of these kinds to this thread, by a filter: seccomp(2). Whether it takes that.
fn refuse(kinds: &[Guard]) -> bool {
    const LOAD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    const IS: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    const ANSWER: u32 = libc::BPF_RET | libc::BPF_K;
    let step = |code: u32, if_so, if_not, k| libc::sock_filter {
        code: code as u16,
        jt: if_so,
        jf: if_not,
        k,
    };
    // No call has the number that stands for one which is not refused.
    let call = |kind, number| if kinds.contains(&kind) { number as u32 } else { u32::MAX };
    // Where a call's number lies, and its third argument.
    let (number, third) = (0, 32);
    let mut filter = [
        step(LOAD, 0, 0, number),
        step(IS, 0, 2, call(Guard::Mapping, libc::SYS_mprotect)),
        step(LOAD, 0, 0, third),
        step(IS, 4, 3, libc::PROT_NONE as u32),
        step(IS, 0, 2, call(Guard::PageTable, libc::SYS_madvise)),
        step(LOAD, 0, 0, third),
        step(IS, 1, 0, 102), // MADV_GUARD_INSTALL
        step(ANSWER, 0, 0, libc::SECCOMP_RET_ALLOW),
        step(ANSWER, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: the kernel reads the program during the call.
    unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
    }
}

/// Whether guards can be refused here, tried by a thread that is not needed again; else says why not.
fn can_refuse() -> bool {
    let can = thread::spawn(|| refuse(&[])).join().expect("it does not panic");
    if !can {
        println!("skipped: this kernel takes no seccomp filter");
    }
    can
}

/// In a thread of its own, which has a pool of its own, and system calls that may be refused.
#[track_caller]
fn in_a_thread(body: impl FnOnce() + Send + 'static) {
    assert!(thread::spawn(body).join().is_ok(), "the thread has panicked: see above");
}

/// Asks for a stack: its size, or why there is none.
fn ask() -> Result<usize, ErrorKind> {
    Stack::new(SMALLEST).map(|stack| stack.size()).map_err(|error| error.kind())
}

#[test]
fn every_byte_of_a_stack_can_be_written() {
    for size in [SMALLEST, 64 << 10, 1 << 20] {
        let stack = Stack::new(size).unwrap();
        must("a stack's size is what was asked for", size, stack.size());
        must("its ends are so far apart", size, stack.top() as usize - stack.bottom() as usize);
        // SAFETY: they are the bytes of a stack on which nobody runs.
        unsafe { stack.bottom().write_bytes(7, size) }
        must("wrote 7s to all of it: the highest word", 0x0707_0707_0707_0707, read(&stack));
    }
}

#[test]
fn no_two_stacks_share_a_byte() {
    let stacks = stacks(300);
    let mut places: Vec<(usize, usize)> =
        stacks.iter().map(|stack| (stack.bottom() as usize, stack.top() as usize)).collect();
    places.sort_unstable();
    let shared = places.windows(2).filter(|two| two[0].1 >= two[1].0).count();
    must("300 stacks: how many touch the next one", 0, shared);
}

#[test]
fn below_the_first_stack_is_a_guard() {
    let test = "below_the_first_stack_is_a_guard";
    dies_below(test, "the first stack", || Stack::new(SMALLEST).unwrap());
}

#[test]
fn below_the_second_stack_is_a_guard_too() {
    let test = "below_the_second_stack_is_a_guard_too";
    dies_below(test, "the second stack", || stacks(2).remove(1));
}

#[test]
fn below_the_last_of_many_is_a_guard_too() {
    let test = "below_the_last_of_many_is_a_guard_too";
    dies_below(test, "the 300th stack", || stacks(300).remove(299));
}

#[test]
fn below_a_stack_that_was_given_back_there_is_still_a_guard() {
    let test = "below_a_stack_that_was_given_back_there_is_still_a_guard";
    dies_below(test, "a stack that is used again", || {
        drop(stacks(3));
        Stack::new(SMALLEST).unwrap()
    });
}

#[test]
fn below_a_stack_that_asks_for_a_mapping_is_a_guard_as_well() {
    let test = "below_a_stack_that_asks_for_a_mapping_is_a_guard_as_well";
    dies_below(test, "a stack with a guard by mprotect", || {
        guard_by(Guard::Mapping);
        Stack::new(SMALLEST).unwrap()
    });
}

#[test]
fn a_stack_whose_guard_is_refused_is_not_given_out() {
    if can_refuse() {
        in_a_thread(|| {
            let no_memory = Err(ErrorKind::OutOfMemory);
            refuse(&[Guard::PageTable, Guard::Mapping]);
            guard_by(Guard::PageTable);
            must("the kernel refused a guard by madvise: asked for a stack", no_memory, ask());
            guard_by(Guard::Mapping);
            must("the kernel refused a guard by mprotect: asked for a stack", no_memory, ask());
        });
    }
}

#[test]
fn a_place_whose_guard_was_refused_is_still_the_next_one() {
    if !has_guards_in_the_page_table() {
        return println!("skipped: this kernel has no MADV_GUARD_INSTALL (Linux 6.13)");
    }
    if can_refuse() {
        in_a_thread(|| {
            guard_by(Guard::PageTable);
            let first = Stack::new(SMALLEST).unwrap();
            refuse(&[Guard::Mapping]);
            guard_by(Guard::Mapping);
            let refused = Err(ErrorKind::OutOfMemory);
            must("the kernel refused the second guard: asked for a stack", refused, ask());
            guard_by(Guard::PageTable);
            let second = Stack::new(SMALLEST).unwrap();
            // SAFETY: sysconf takes an integer.
            let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as isize;
            let between = second.bottom() as isize - first.top() as isize;
            must("then it made one: bytes between the first stack and this", page, between);
        });
    }
}

#[test]
fn where_madvise_makes_no_guard_there_is_one_by_mprotect() {
    if can_refuse() {
        let test = "where_madvise_makes_no_guard_there_is_one_by_mprotect";
        dies_below(test, "a stack for which madvise makes no guard", || {
            refuse(&[Guard::PageTable]);
            Stack::new(SMALLEST).unwrap()
        });
    }
}

#[test]
fn a_stack_that_is_used_again_has_its_guard_already() {
    if can_refuse() {
        in_a_thread(|| {
            must("asked for a stack, and gave it back", Ok(SMALLEST), ask());
            refuse(&[Guard::PageTable, Guard::Mapping]);
            must("then the kernel refused guards: asked for a stack", Ok(SMALLEST), ask());
        });
    }
}

#[test]
fn to_give_back_allocates_nothing() {
    let stacks = stacks(300);
    let (times, _) = allocated(|| drop(stacks));
    must("gave 300 stacks back: allocations", 0, times);
}

#[test]
fn room_is_made_for_those_that_are_out_and_no_more() {
    let (_, bytes) = allocated(|| {
        for _ in 0..50_000 {
            drop(Stack::new(SMALLEST).unwrap());
        }
        drop([Stack::new(SMALLEST).unwrap(), Stack::new(SMALLEST).unwrap()]);
    });
    let many = bytes > 100_000;
    must("one stack 50,000 times, and then two: more than 100,000 bytes allocated", false, many);
}

#[test]
fn a_guard_is_a_mapping_where_that_is_asked_for() {
    alone("a_guard_is_a_mapping_where_that_is_asked_for", || {
        guard_by(Guard::Mapping);
        let before = Memory::now().unwrap().mappings;
        let stacks = stacks(100);
        let more = Memory::now().unwrap().mappings - before;
        drop(stacks);
        let right = (150..=400).contains(&more);
        must("100 stacks with guards by mprotect: about 200 mappings more", true, right);
    });
}

/// Whether this kernel can note a guard in the page table (Linux 6.13), which is tried.
fn has_guards_in_the_page_table() -> bool {
    let bytes = 1 << 16;
    let (protection, kind) = (libc::PROT_READ, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: the mapping is this function's alone. 102 is MADV_GUARD_INSTALL; another kernel refuses it.
    unsafe {
        let page = libc::mmap(std::ptr::null_mut(), bytes, protection, kind, -1, 0);
        let can = libc::madvise(page, bytes, 102) == 0;
        libc::munmap(page, bytes);
        can
    }
}

#[test]
fn a_guard_takes_no_mapping_where_the_kernel_has_another_way() {
    if !has_guards_in_the_page_table() {
        return println!("skipped: this kernel has no MADV_GUARD_INSTALL (Linux 6.13)");
    }
    alone("a_guard_takes_no_mapping_where_the_kernel_has_another_way", || {
        let before = Memory::now().unwrap().mappings;
        let stacks = stacks(1_000);
        let more = Memory::now().unwrap().mappings - before;
        drop(stacks);
        must("1,000 stacks: more than 100 mappings for them", false, more > 100);
    });
}

#[test]
fn the_stack_given_back_last_is_given_out_first() {
    let (first, second) = (Stack::new(SMALLEST).unwrap(), Stack::new(SMALLEST).unwrap());
    let places = [second.top(), first.top()];
    drop(first);
    drop(second);
    let again = stacks(2);
    let came = [again[0].top(), again[1].top()];
    must("gave two stacks back, and asked for two: the same, the last one first", places, came);
}

#[test]
fn ten_times_a_thousand_are_a_thousand() {
    let mut places = BTreeSet::new();
    for _ in 0..10 {
        places.extend(stacks(1_000).iter().map(|stack| stack.top() as usize));
    }
    must("a thousand stacks, ten times: different ones", 1_000, places.len());
}

#[test]
fn many_stacks_lie_in_one_mapping() {
    alone("many_stacks_lie_in_one_mapping", || {
        let stacks = stacks(1_000);
        let before = Memory::now().unwrap().address_space;
        let one = Stack::new(4 * SMALLEST).unwrap();
        let mapped = Memory::now().unwrap().address_space - before;
        let right = mapped > 2 * 4 * SMALLEST as u64;
        must("asked for the first stack of a size: a mapping for several", true, right);
        drop((stacks, one));
    });
}

#[test]
fn each_size_has_its_own_stacks() {
    let (small, large) = (Stack::new(SMALLEST).unwrap(), Stack::new(4 * SMALLEST).unwrap());
    drop(small);
    drop(large);
    let again = Stack::new(4 * SMALLEST).unwrap();
    must("gave back 16 KiB and 64 KiB, and asked for 64: its size", 4 * SMALLEST, again.size());
}

#[test]
fn a_stack_that_is_used_again_is_as_it_was_left() {
    let stack = Stack::new(SMALLEST).unwrap();
    write(&stack, 7);
    drop(stack);
    let again = Stack::new(SMALLEST).unwrap();
    must(
        "wrote 7, gave it back, asked for one: the kernel was not asked, so it has",
        7,
        read(&again),
    );
}

#[test]
fn beyond_what_is_kept_the_memory_goes_back() {
    let made = stacks(KEPT + 2);
    made.iter().for_each(|stack| write(stack, 7));
    // The first to go are the first of the list: those behind it are two too many.
    drop(made);
    let again = stacks(4);
    let came: Vec<u64> = again.iter().map(read).collect();
    let done = format!("gave {} stacks back with a 7 on each, and asked for 4", KEPT + 2);
    must(&done, vec![0, 0, 7, 7], came);
}

#[test]
fn what_the_kernel_refuses_is_an_error_and_the_next_one_is_made() {
    alone("what_the_kernel_refuses_is_an_error_and_the_next_one_is_made", || {
        let limit = libc::rlimit { rlim_cur: 512 << 20, rlim_max: 512 << 20 };
        // SAFETY: the kernel reads the limit during the call.
        let set = unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) };
        must("limited the address space to 512 MiB", 0, set);
        let error = Stack::new(LARGEST).map(|stack| stack.size()).map_err(|error| error.kind());
        must("asked for a stack of a GiB", Err(ErrorKind::OutOfMemory), error);
        let again = Stack::new(SMALLEST).map(|stack| stack.size()).map_err(|error| error.kind());
        must("then asked for one of 16 KiB", Ok(SMALLEST), again);
    });
}
