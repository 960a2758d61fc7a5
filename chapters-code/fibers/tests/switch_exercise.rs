//! What a switch owes both sides. Each message says what was done, what had to come of it, and what came.

use fibers::probe::{PLAIN, Switch, Trial, WORDS, words};
use fibers::switch::{StackPointer, plain};

/// What was done, what had to come of it, and what came.
#[track_caller]
fn must<T: PartialEq + std::fmt::Debug>(done: &str, right: T, came: T) {
    assert!(came == right, "{done}: expected {right:?}; got {came:?}");
}

#[track_caller]
fn keeps_all(switch: Switch) {
    let trial = Trial::of(switch, |_| {});
    let lost: Vec<String> = trial.lost().iter().map(|(name, _, _)| (*name).to_owned()).collect();
    must("switched there and back: registers that either side lost", Vec::new(), lost);
    must("switched there and back: main's first register", 101, trial.after[0][0]);
    must("switched there and back: the fiber's first register", 201, trial.after[1][0]);
}

#[test]
fn each_side_finds_its_registers_as_they_were() {
    keeps_all(PLAIN);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn each_side_finds_its_registers_as_they_were_by_jump() {
    use fibers::switch::jump::switch_by_jump;

    keeps_all(Switch { resume: switch_by_jump, suspend: switch_by_jump, ..PLAIN });
}

/// A switch by jump to a new fiber, looked at instruction by instruction.
#[cfg(target_arch = "x86_64")]
mod jump {
    use std::arch::naked_asm;
    use std::ffi::{c_int, c_void};
    use std::ptr;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::SeqCst};

    use fibers::switch::jump::switch_by_jump;
    use fibers::switch::{StackPointer, plain};

    use super::must;

    /// The word that is switched through.
    static WORD: AtomicPtr<StackPointer> = AtomicPtr::new(ptr::null_mut());
    /// What the fiber found in rdi and in rsp where it began.
    static GIVEN: AtomicUsize = AtomicUsize::new(0);
    static BEGAN: AtomicUsize = AtomicUsize::new(0);
    /// The instructions that were seen, and those of them that were a `ret`.
    static STEPS: AtomicUsize = AtomicUsize::new(0);
    static RETURNS: AtomicUsize = AtomicUsize::new(0);

    /// The trap flag, by which the processor stops behind each instruction.
    const TRAP: i64 = 0x100;

    /// Is told of each instruction before it is done.
    extern "C" fn sees(_: c_int, _: *mut libc::siginfo_t, context: *mut c_void) {
        // SAFETY: the kernel gives a signal's context, and at its rip are the bytes of an instruction.
        unsafe {
            let registers = &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs;
            let code = registers[libc::REG_RIP as usize] as *const u8;
            let is_return = match code.read() {
                0xc2 | 0xc3 => true,
                0xf2 | 0xf3 => code.add(1).read() == 0xc3,
                _ => false,
            };
            RETURNS.fetch_add(usize::from(is_return), SeqCst);
            // Nothing that switches is so long.
            if STEPS.fetch_add(1, SeqCst) > 1000 {
                registers[libc::REG_EFL as usize] &= !TRAP;
            }
        }
    }

    /// Begins to look, and switches.
    #[unsafe(naked)]
    unsafe extern "C" fn departs(other: *mut StackPointer) {
        naked_asm!(
            "pushfq; or qword ptr [rsp], 0x100; popfq",
            "jmp {}",
            sym switch_by_jump,
        )
    }

    /// The fiber: notes what it finds, ends the looking, and goes back by the plain switch.
    #[unsafe(naked)]
    unsafe extern "C" fn arrives(other: *mut StackPointer) -> ! {
        naked_asm!(
            "mov [rip + {given}], rdi; mov [rip + {began}], rsp",
            "pushfq; and qword ptr [rsp], -0x101; popfq",
            "mov rdi, [rip + {word}]",
            "call {switch}",
            "ud2",
            given = sym GIVEN,
            began = sym BEGAN,
            word = sym WORD,
            switch = sym plain::switch,
        )
    }

    /// What came of it: whether the argument was the word, how far the stack pointer was above that of the
    /// new stack, and the instructions.
    struct Arrived {
        given_the_word: bool,
        taken: usize,
        steps: usize,
        returns: usize,
    }

    fn arrived() -> &'static Arrived {
        static ARRIVED: OnceLock<Arrived> = OnceLock::new();
        ARRIVED.get_or_init(|| {
            let mut stack = vec![0_u128; 4096];
            // SAFETY: the stack is 64 KiB that nobody else uses, its end is a multiple of 16, and both sides
            // go through a word that outlives their switches. `sees` touches nothing but atomics.
            unsafe {
                let mut action: libc::sigaction = std::mem::zeroed();
                action.sa_sigaction = sees as *const () as usize;
                action.sa_flags = libc::SA_SIGINFO;
                libc::sigaction(libc::SIGTRAP, &raw const action, ptr::null_mut());
                let new = plain::prepare(stack.as_mut_ptr_range().end.cast(), arrives);
                let mut word = new;
                WORD.store(&raw mut word, SeqCst);
                departs(&raw mut word);
                Arrived {
                    given_the_word: GIVEN.load(SeqCst) == (&raw const word) as usize,
                    taken: BEGAN.load(SeqCst).wrapping_sub(new as usize),
                    steps: STEPS.load(SeqCst),
                    returns: RETURNS.load(SeqCst),
                }
            }
        })
    }

    #[test]
    fn a_new_fiber_is_given_the_word_by_jump_too() {
        let given = arrived().given_the_word;
        must("switched by jump to a new fiber: its argument is the word's address", true, given);
    }

    #[test]
    fn a_jump_takes_the_address_off_the_stack() {
        let taken = arrived().taken;
        must("switched by jump to a new fiber: bytes taken off its stack", 56, taken);
    }

    #[test]
    fn a_switch_by_jump_does_no_return() {
        match arrived() {
            Arrived { steps: 0, .. } => {
                println!("skipped: this machine does not stop at each step")
            }
            Arrived { returns, .. } => {
                must("switched by jump: instructions on the way that were a `ret`", 0, *returns);
            }
        }
    }
}

#[test]
fn what_a_side_keeps_lies_on_its_own_stack() {
    let mut fibers = Vec::new();
    let trial = Trial::of(PLAIN, |trial| {
        // SAFETY: a trial's stack is larger than that.
        fibers = unsafe { words(trial.other, WORDS) };
    });
    let sides = [("main", &trial.mains, trial.before[0]), ("the fiber", &fibers, trial.before[1])];
    for (name, on_the_stack, before) in sides {
        let mut found: Vec<u64> = on_the_stack.iter().map(|word| *word as u64).collect();
        // One of them is the address to go on at.
        found.retain(|word| *word < 1000);
        found.sort_unstable();
        must(&format!("the words at `*other` while {name} waited"), before.to_vec(), found);
    }
}

#[test]
fn a_fiber_that_waits_is_nothing_to_another_one_s_switches() {
    let outer = Trial::of(PLAIN, |_| {
        // Main and another fiber, with the same values; then one with registers that nobody knows.
        Trial::of(PLAIN, |_| {});
    });
    let found = outer.after[1].to_vec();
    let done = "another fiber ran while this one waited: its registers";
    must(done, outer.before[1].to_vec(), found);
}

/// A fiber that counts, and the word through which it was resumed.
#[repr(C)]
struct Counts {
    other: StackPointer,
    given: usize,
    counted: u64,
}

extern "C" fn counts(other: *mut StackPointer) -> ! {
    let counts = other.cast::<Counts>();
    for n in 1.. {
        // SAFETY: `other` is the first field of a `Counts` that outlives this fiber's turns, and the side
        // that resumed it waits.
        unsafe {
            (*counts).given = other as usize;
            (*counts).counted = n;
            plain::switch(other);
        }
    }
    unreachable!("it counts without an end")
}

/// A stack, and a fiber on it that has not begun.
fn counter() -> (Vec<u128>, Box<Counts>) {
    let mut stack = vec![0_u128; 4096];
    // SAFETY: the stack is 64 KiB that nobody else uses, and its end is a multiple of 16.
    let other = unsafe { plain::prepare(stack.as_mut_ptr_range().end.cast(), counts) };
    (stack, Box::new(Counts { other, given: 0, counted: 0 }))
}

/// Lets it run until it switches back.
fn resume(fiber: &mut Counts) {
    // SAFETY: it stands where `prepare` or its last switch has left it, on a stack that the caller holds.
    unsafe { plain::switch((&raw mut *fiber).cast()) }
}

#[test]
fn a_fiber_goes_on_where_it_stopped() {
    let (_stack, mut fiber) = counter();
    let mut switches = 0;
    while fiber.counted < 3 {
        resume(&mut fiber);
        switches += 1;
    }
    must("switched until the fiber had counted to 3: switches", 3, switches);
}

#[test]
fn a_new_fiber_is_given_the_word_that_it_was_resumed_through() {
    let (_stack, mut fiber) = counter();
    resume(&mut fiber);
    let word = (&raw const *fiber) as usize;
    must("switched to a new fiber: its argument is the word's address", true, fiber.given == word);
}

#[test]
fn a_hundred_fibers_each_count_for_themselves() {
    let mut fibers: Vec<_> = (0..100).map(|_| counter()).collect();
    for _ in 0..5 {
        fibers.iter_mut().for_each(|(_, fiber)| resume(fiber));
    }
    let wrong = fibers.iter().filter(|(_, fiber)| fiber.counted != 5).count();
    must("a hundred fibers, five turns each: how many did not count to 5", 0, wrong);
}

#[test]
fn main_s_frames_are_left_alone() {
    /// Switches at the bottom of so many calls, each with something in its frame.
    fn deep(calls: u64, fiber: &mut Counts) -> u64 {
        let frame = std::hint::black_box([calls; 64]);
        if calls > 0 {
            return deep(calls - 1, fiber) + frame[63];
        }
        resume(fiber);
        frame[0]
    }
    let (_stack, mut fiber) = counter();
    let sums: Vec<u64> = [10, 50, 3].iter().map(|calls| deep(*calls, &mut fiber)).collect();
    must("switched from the bottom of 10, 50 and 3 calls: sums", vec![55, 1275, 6], sums);
}
