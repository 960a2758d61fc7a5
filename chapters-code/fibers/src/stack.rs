//! Stacks: many in one mapping, each with a guard below it, and a pool that keeps them.
//!
//! A mapping is made for many stacks at once, and the first page of each is its guard. Where the
//! kernel can note that in the page table (`MADV_GUARD_INSTALL`, madvise(2), Linux 6.13), the mapping
//! stays one. Elsewhere `mprotect(2)` splits it in two for each stack, and the kernel allows a
//! process only so many mappings (`vm.max_map_count`).
//!
//! A stack that is given back goes to the pool of its thread, and is given out again as it is: with
//! what the last fiber wrote on it. [`KEPT`] of them keep their memory; that of the others goes back
//! to the kernel. The addresses are kept until the thread ends.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::ptr;
use std::rc::Rc;
use std::sync::OnceLock;

/// The size that [`spawn`](crate::spawn) takes: a panic whose backtrace is printed needs about 20 KiB
/// in a debug build. It is a promise of addresses. Memory is what the fiber touches, in whole pages.
pub const DEFAULT_SIZE: usize = 128 << 10;

/// The smallest stack. A signal's frame is 3.4 KiB on a processor with AVX-512, and 11 KiB with AMX.
pub const SMALLEST: usize = 16 << 10;

/// The largest stack.
pub const LARGEST: usize = 1 << 30;

/// How many stacks of one size keep what was touched while nobody uses them.
pub const KEPT: usize = 16 << 10;

/// How many stacks the first mapping holds, and how many the largest.
const FIRST: usize = 16;
const MOST: usize = 1024;

/// Since Linux 6.13, which the libc crate need not know.
const MADV_GUARD_INSTALL: i32 = 102;

/// How a guard is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// A note in the page table, by `madvise(2)`: the mapping stays one.
    PageTable,
    /// A mapping of its own that may not be touched, by `mprotect(2)`.
    Mapping,
}

thread_local! {
    static POOL: RefCell<Pool> = RefCell::default();
    static GUARD: Cell<Option<Guard>> = const { Cell::new(None) };
}

/// Says how the guards of this thread are made from here on. Without it they are
/// [`Guard::PageTable`] where the kernel can, and [`Guard::Mapping`] elsewhere.
pub fn guard_by(guard: Guard) {
    GUARD.set(Some(guard));
}

/// A stack that somebody uses. Dropped, it goes back to the pool of this thread.
#[derive(Debug)]
pub struct Stack(Slot);

impl Stack {
    /// A stack of at least `size` bytes, a whole number of pages, out of the pool if there is one.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) below [`SMALLEST`] and above [`LARGEST`].
    /// [`OutOfMemory`](ErrorKind::OutOfMemory) if the kernel gives no address space, or no mapping
    /// more for a guard; it says which.
    pub fn new(size: usize) -> io::Result<Stack> {
        if !(SMALLEST..=LARGEST).contains(&size) {
            let why = format!("a stack has {SMALLEST} to {LARGEST} bytes, and not {size}");
            return Err(io::Error::new(ErrorKind::InvalidInput, why));
        }
        let size = size.next_multiple_of(page());
        // While the thread ends, its pool is gone before some who may still make a fiber.
        let pooled = POOL.try_with(|pool| pool.borrow_mut().take(size));
        pooled.unwrap_or_else(|_| Mapping::new(size, 1)?.slot(0)).map(Stack)
    }

    /// The address above the highest byte: a multiple of 16, since it is the end of a page.
    pub fn top(&self) -> *mut u8 {
        self.bottom().wrapping_add(self.size())
    }

    /// The lowest byte that may be touched. Below it is the guard, one page.
    pub fn bottom(&self) -> *mut u8 {
        self.0.guard.wrapping_add(page())
    }

    /// How many bytes it has.
    pub fn size(&self) -> usize {
        self.0.mapping.size
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // Where the pool is gone, the mapping goes with the last of its stacks.
        let _ = POOL.try_with(|pool| pool.borrow_mut().put(self.0.clone()));
    }
}

/// What a thread has, by size.
#[derive(Default)]
struct Pool(HashMap<usize, Free>);

/// The stacks of one size that nobody uses.
#[derive(Default)]
struct Free {
    /// Has room for all that are given out: putting one back allocates nothing, for which there may be
    /// no mapping left.
    used: Vec<Slot>,
    given_out: usize,
    /// The last mapping, and how many of its stacks were given out.
    fresh: Option<(Rc<Mapping>, usize)>,
}

impl Pool {
    fn take(&mut self, size: usize) -> io::Result<Slot> {
        // FORK stack: give out a stack of this size that was given back, the last one first; else the next one of
        //   the last mapping; else the first of a new one
        // HINT: A stack costs system calls once. Which two fields of `Free` know of stacks that nobody uses, and
        //   which of them have a guard already?
        // HINT: Read the comments on the three fields of `Free`. Which of them has to change when a stack is given
        //   out, and which when none could be made?
        // HINT: `put` may not allocate. So who makes the room for what will be given back?
        // HINT: Pop from `used` first. Then reserve room for one more than are given out; take `fresh`, or ask
        //   `Mapping::next` for one if all its stacks are given; make the slot; and write `fresh` back, one
        //   further only if there is a slot with its guard.
        let free = self.0.entry(size).or_default();
        if let Some(slot) = free.used.pop() {
            free.given_out += 1;
            return Ok(slot);
        }
        free.used.reserve(free.given_out + 1);
        let (mapping, at) = match free.fresh.take() {
            Some((mapping, given)) if given < mapping.stacks => (mapping, given),
            last => (Mapping::next(size, last.map_or(0, |(last, _)| last.stacks))?, 0),
        };
        let slot = mapping.slot(at);
        // A stack that has no guard is not given out: the next call tries again.
        let made = usize::from(slot.is_ok());
        free.fresh = Some((mapping, at + made));
        free.given_out += made;
        slot
    }

    fn put(&mut self, slot: Slot) {
        // FORK stack: keep a stack for the next one who asks, and its memory too unless `KEPT` of this size are
        //   kept already
        // HINT: What was touched is memory until somebody says that its contents are not missed: madvise(2),
        //   MADV_DONTNEED. Who says it here, and when is it worth a system call?
        // HINT: Find the list of its size. If `KEPT` lie there, let this one forget its contents. Push it, and
        //   count one less as given out.
        let free = self.0.entry(slot.mapping.size).or_default();
        if free.used.len() >= KEPT {
            slot.forget_contents();
        }
        free.used.push(slot);
        free.given_out -= 1;
    }
}

/// One stack of a mapping.
#[derive(Clone, Debug)]
struct Slot {
    /// The lowest address of the guard.
    guard: *mut u8,
    mapping: Rc<Mapping>,
}

impl Slot {
    /// Gives the memory back to the kernel, and keeps the addresses: the next touch finds zeroes.
    fn forget_contents(&self) {
        let bottom = self.guard.wrapping_add(page());
        // SAFETY: the range is that of a stack which nobody uses, so nobody misses what is on it.
        unsafe { libc::madvise(bottom.cast(), self.mapping.size, libc::MADV_DONTNEED) };
    }
}

/// A mapping that holds stacks, each above its guard. It goes with the last who holds a stack of it.
#[derive(Debug)]
struct Mapping {
    start: *mut u8,
    stacks: usize,
    /// That of each stack, without its guard.
    size: usize,
}

impl Mapping {
    /// One for more stacks than the `last`; for fewer where there is not so much room.
    fn next(size: usize, last: usize) -> io::Result<Rc<Mapping>> {
        let mut stacks = (2 * last).clamp(FIRST, MOST);
        loop {
            match Mapping::new(size, stacks) {
                Err(_) if stacks > 1 => stacks /= 2,
                done => return done,
            }
        }
    }

    fn new(size: usize, stacks: usize) -> io::Result<Rc<Mapping>> {
        let bytes = (page() + size) * stacks;
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // MAP_STACK keeps huge pages away since Linux 6.7, the advice below before. A page that is
        // touched would else be 2 MiB of memory.
        let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_STACK;
        // SAFETY: the kernel chooses the place, so no mapping of anybody else is touched.
        let start = unsafe { libc::mmap(ptr::null_mut(), bytes, protection, kind, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(no_memory("no address space for stacks"));
        }
        // SAFETY: the range was just mapped. A kernel without huge pages refuses, and needs no advice.
        unsafe { libc::madvise(start, bytes, libc::MADV_NOHUGEPAGE) };
        Ok(Rc::new(Mapping { start: start.cast(), stacks, size }))
    }

    /// The stack at this place, with its guard.
    fn slot(self: &Rc<Self>, at: usize) -> io::Result<Slot> {
        // FORK stack: find the place of this stack in the mapping, and make its lowest page a guard by what this
        //   thread or this kernel wants, or say with `no_memory` that there is none
        // HINT: In which direction does a stack grow? Then which of its ends needs the guard, and how many bytes
        //   does each stack take with it?
        // HINT: Two ways to make a guard: madvise(2), MADV_GUARD_INSTALL, and mprotect(2), PROT_NONE. Which of
        //   them does `GUARD` ask for, and who knows when it asks for none?
        // HINT: The address is the mapping's start and so many times a page and a stack. One of two system calls
        //   on that page; an error if it does not return 0; else a `Slot` with that address and this mapping.
        let guard = self.start.wrapping_add(at * (page() + self.size));
        let made = match GUARD.get().unwrap_or_else(|| kernel_s_guard(guard)) {
            // SAFETY: the page is in the mapping, and nobody has used it.
            Guard::PageTable => unsafe { libc::madvise(guard.cast(), page(), MADV_GUARD_INSTALL) },
            // SAFETY: the same.
            Guard::Mapping => unsafe { libc::mprotect(guard.cast(), page(), libc::PROT_NONE) },
        };
        if made != 0 {
            return Err(no_memory("no guard for a stack"));
        }
        Ok(Slot { guard, mapping: Rc::clone(self) })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: whoever uses a stack of it holds it, so nobody does.
        unsafe { libc::munmap(self.start.cast(), (page() + self.size) * self.stacks) };
    }
}

/// How this kernel makes a guard, tried once on a page that nobody uses. Some that run in another's
/// place say yes to any advice and do nothing, so the kernel is asked to write to the page.
fn kernel_s_guard(page_of_a_stack: *mut u8) -> Guard {
    static KERNEL: OnceLock<Guard> = OnceLock::new();
    *KERNEL.get_or_init(|| {
        // SAFETY: the page is mapped and nobody uses it: whether it can be written does not matter.
        let noted =
            unsafe { libc::madvise(page_of_a_stack.cast(), page(), MADV_GUARD_INSTALL) } == 0;
        // SAFETY: the same; the kernel writes at most one byte there.
        let written = unsafe { libc::getrandom(page_of_a_stack.cast(), 1, 0) } == 1;
        if noted && !written { Guard::PageTable } else { Guard::Mapping }
    })
}

/// The error that `errno` holds, with what it was about and what to look at.
fn no_memory(what: &str) -> io::Error {
    let error = io::Error::last_os_error();
    let limits = "`ulimit -v` limits address space, and vm.max_map_count mappings";
    io::Error::new(ErrorKind::OutOfMemory, format!("{what}: {error} ({limits})"))
}

/// The size of a page: 4,096 on x86-64, and more on some aarch64.
fn page() -> usize {
    static PAGE: OnceLock<usize> = OnceLock::new();
    // SAFETY: sysconf takes an integer.
    *PAGE.get_or_init(|| unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize)
}
