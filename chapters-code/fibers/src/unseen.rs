//! What a fiber may do to code that is right by its types: its thread changes under it, or it is not
//! resumed. By the plain switch, as nothing in this crate's own interface allows it.

use std::cell::Cell;
use std::ptr;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::switch::{First, StackPointer, plain};

thread_local! {
    static VALUE: Cell<u32> = const { Cell::new(0) };
}

// ANCHOR: moved
/// Where this thread's value is.
#[inline(always)]
fn place() -> usize {
    VALUE.with(|value| ptr::from_ref(value) as usize)
}

/// The same, by a call. But the optimiser has read this function: it has no effects, so two calls of it
/// are one.
#[inline(never)]
fn place_by_a_call() -> usize {
    place()
}

/// The same, by a call of which the optimiser does not know what it calls.
fn place_by_an_unknown_call() -> usize {
    std::hint::black_box(place_by_a_call as fn() -> usize)()
}

/// What a fiber finds when it asks for the place, is resumed by another thread, and asks again.
#[repr(C)]
struct Moved {
    other: StackPointer,
    before: usize,
    after: usize,
}

/// The fiber, for each way of asking.
macro_rules! asks_twice {
    ($name:ident, $asks:ident) => {
        unsafe extern "C" fn $name(other: *mut StackPointer) -> ! {
            let moved = other.cast::<Moved>();
            // SAFETY: `other` is the first field of a `Moved` that outlives this fiber's turns.
            unsafe {
                (*moved).before = $asks();
                plain::switch(other);
                (*moved).after = $asks();
                plain::switch(other);
            }
            unreachable!("it is resumed twice")
        }
    };
}
// ANCHOR_END: moved

asks_twice!(asks_inline, place);
asks_twice!(asks_by_a_call, place_by_a_call);
asks_twice!(asks_by_an_unknown_call, place_by_an_unknown_call);

/// How a fiber asks for the place of its thread's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Asks {
    /// In its own code.
    Inline,
    /// In a function that is not inlined.
    ByACall,
    /// In one of which the optimiser knows nothing.
    ByAnUnknownCall,
}

/// Whose value it was that a fiber found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Whose {
    /// That of the thread that resumed it first.
    First,
    /// That of the thread on which it ran.
    Own,
}

/// Resumes a fiber on this thread and then on another one, or twice on this one. Whose thread-local
/// does it find the second time?
pub fn thread_local_after(change: bool, asks: Asks) -> Whose {
    let first: First = match asks {
        Asks::Inline => asks_inline,
        Asks::ByACall => asks_by_a_call,
        Asks::ByAnUnknownCall => asks_by_an_unknown_call,
    };
    let mut stack = vec![0_u128; 4096];
    // SAFETY: the stack is 64 KiB that nobody else uses, and its end is a multiple of 16.
    let other = unsafe { plain::prepare(stack.as_mut_ptr_range().end.cast(), first) };
    let mut moved = Moved { other, before: 0, after: 0 };
    let address = (&raw mut moved) as usize;
    // SAFETY: the fiber waits, and this thread waits for the one that resumes it.
    let resume = move || unsafe { plain::switch(ptr::with_exposed_provenance_mut(address)) };
    (&raw mut moved).expose_provenance();
    resume();
    let own = if change {
        let second = thread::spawn(move || {
            resume();
            place()
        });
        second.join().expect("it does not panic")
    } else {
        resume();
        place()
    };
    match moved.after {
        after if after == own => Whose::Own,
        after if after == moved.before => Whose::First,
        after => unreachable!("{after:#x} is nobody's"),
    }
}

/// Something whose destructor can be waited for.
struct Local(Rc<Cell<u32>>);

impl Drop for Local {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

/// How a suspended fiber is done away with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum End {
    /// Its stack goes back to the allocator.
    Freed,
    /// It is kept and not resumed: `mem::forget`.
    Forgotten,
    /// It is dropped as a [`Fiber`](crate::fiber::Fiber) is: resumed with a panic.
    Unwound,
}

/// Suspends a fiber that has a value with a destructor, and ends it so. How many destructors ran?
pub fn destructors_after(end: End) -> u32 {
    #[repr(C)]
    struct Suspended {
        other: StackPointer,
        local: Option<Local>,
    }
    unsafe extern "C" fn holds(other: *mut StackPointer) -> ! {
        // SAFETY: `other` is the first field of a `Suspended` that outlives this fiber's turns.
        let _local = unsafe { (*other.cast::<Suspended>()).local.take() };
        // SAFETY: this side was resumed through `other`.
        unsafe { plain::switch(other) };
        unreachable!("it is resumed once")
    }
    let ran = Rc::new(Cell::new(0));
    let local = Local(Rc::clone(&ran));
    if end == End::Freed {
        let mut stack = vec![0_u128; 4096];
        // SAFETY: the stack is 64 KiB that nobody else uses, and its end is a multiple of 16.
        let other = unsafe { plain::prepare(stack.as_mut_ptr_range().end.cast(), holds) };
        let mut suspended = Suspended { other, local: Some(local) };
        // SAFETY: it was just prepared.
        unsafe { plain::switch((&raw mut suspended).cast()) };
        return ran.get();
    }
    let mut fiber = crate::fiber::Fiber::new(64 << 10, move || {
        let _local = local;
        crate::fiber::suspend();
    })
    .expect("a stack");
    let _ = fiber.resume();
    if end == End::Forgotten {
        std::mem::forget(fiber);
    } else {
        drop(fiber);
    }
    ran.get()
}

/// Says when the scoped thread may write.
static GO: AtomicBool = AtomicBool::new(false);

// ANCHOR: scoped
/// The fiber: a scoped thread borrows its local, and the scope waits for that thread, so the borrow
/// checker is content. Then the fiber is left in the middle of the scope.
unsafe extern "C" fn scopes(other: *mut StackPointer) -> ! {
    let mut local = [0_u8; 64];
    thread::scope(|scope| {
        scope.spawn(|| {
            while !GO.load(Ordering::Acquire) {
                thread::yield_now();
            }
            local.fill(1);
        });
        // SAFETY: this side was resumed through `other`.
        unsafe { plain::switch(other) };
    });
    unreachable!("it is resumed once, and the process dies before the scope ends")
}
// ANCHOR_END: scoped

/// Unmaps the stack of a fiber that is in the middle of a scope, and lets the scope's thread write to it.
///
/// # Safety
/// The process dies of it.
pub unsafe fn write_to_a_stack_that_is_gone() -> ! {
    let (bytes, kind) = (64 << 10, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: the kernel chooses the place, and the stack is this fiber's alone.
    unsafe {
        let start = libc::mmap(ptr::null_mut(), bytes, protection, kind, -1, 0);
        assert!(start != libc::MAP_FAILED, "{}", std::io::Error::last_os_error());
        let mut other = plain::prepare(start.cast::<u8>().add(bytes), scopes);
        plain::switch(&mut other);
        libc::munmap(start, bytes);
    }
    GO.store(true, Ordering::Release);
    loop {
        thread::park();
    }
}
