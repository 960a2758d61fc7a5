//! One fiber: a stack, the word that says where in it, and the function that runs on it.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::ptr::{self, NonNull};
use std::thread;

use crate::stack::Stack;
use crate::switch::{StackPointer, used as switch};

/// A function that can stop in the middle and go on later.
///
/// ```
/// use fibers::fiber::{Fiber, Progress, suspend};
///
/// let mut fiber = Fiber::new(64 << 10, || {
///     print!("one, ");
///     suspend();
///     print!("three, ");
/// })?;
/// assert!(matches!(fiber.resume(), Progress::Suspended));
/// print!("two, ");
/// assert!(matches!(fiber.resume(), Progress::Ended(Ok(()))));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// It stays on its thread: what its function has on the stack is in no type, so nobody could check
/// that it is [`Send`].
///
/// ```compile_fail
/// let fiber = fibers::fiber::Fiber::new(64 << 10, || ())?;
/// std::thread::spawn(move || drop(fiber));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Dropped
/// One that has not begun drops its function. One that is suspended is unwound: its `suspend` panics,
/// so that destructors run. One that then suspends again, in a destructor or behind a `catch_unwind`,
/// is leaked whole, stack and all, and that is told on stderr.
pub struct Fiber {
    /// From a `Box`, which would say that nobody else refers to it.
    inner: NonNull<Inner>,
}

/// What a turn of a fiber ended with.
#[derive(Debug)]
#[must_use]
pub enum Progress {
    /// It has called [`suspend`].
    Suspended,
    /// Its function has returned, or panicked with this payload.
    Ended(thread::Result<()>),
}

// ANCHOR: inner
/// What both sides refer to, so it stays where it is.
#[repr(C)]
struct Inner {
    /// The stack pointer of the side that does not run. The first field: the first function gets its
    /// address, and with it that of the whole.
    other: Cell<StackPointer>,
    state: Cell<State>,
    function: Cell<Option<Box<dyn FnOnce()>>>,
    result: Cell<Option<thread::Result<()>>>,
    stack: Stack,
}
// ANCHOR_END: inner

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    New,
    Running,
    Suspended,
    /// Resumed in order to be unwound.
    Unwinding,
    Ended,
}

/// The payload of the panic that unwinds a fiber.
struct Unwound;

thread_local! {
    /// The fiber that runs on this thread, if one does.
    static CURRENT: Cell<*const Inner> = const { Cell::new(ptr::null()) };
}

impl Fiber {
    /// A fiber that will run `function` on a stack of `size` bytes.
    ///
    /// # Errors
    /// Those of [`Stack::new`].
    pub fn new(size: usize, function: impl FnOnce() + 'static) -> io::Result<Fiber> {
        let stack = Stack::new(size)?;
        // SAFETY: the top is the end of a page, so a multiple of 16, and the stack is larger than any
        // first frame.
        let other = unsafe { switch::prepare(stack.top(), first) };
        let inner = Box::new(Inner {
            other: Cell::new(other),
            state: Cell::new(State::New),
            function: Cell::new(Some(Box::new(function))),
            result: Cell::new(None),
            stack,
        });
        Ok(Fiber { inner: NonNull::from(Box::leak(inner)) })
    }

    /// Lets the fiber run until it suspends or ends.
    ///
    /// # Panics
    /// If it has ended.
    pub fn resume(&mut self) -> Progress {
        let state = self.inner().state.get();
        assert!(
            matches!(state, State::New | State::Suspended),
            "a fiber was resumed that has ended: look at what the last `resume` returned"
        );
        self.turn(State::Running);
        match self.inner().result.take() {
            None => Progress::Suspended,
            Some(result) => Progress::Ended(result),
        }
    }

    fn turn(&mut self, state: State) {
        let inner = self.inner();
        inner.state.set(state);
        let outer = CURRENT.replace(inner);
        // SAFETY: `other` is where the fiber stopped, on a stack that `inner` holds; it does not run,
        // or this handle would be borrowed by whoever resumed it.
        unsafe { switch::resume(inner.other.as_ptr()) };
        CURRENT.set(outer);
    }

    // ANCHOR: end_suspended
    /// Ends a fiber that is suspended, and whose handle goes.
    fn end_suspended(&mut self) {
        // FORK unseen: resume this fiber so that its `suspend` panics; free it if it has ended by that, and if it
        //   has suspended again leave it as it is for ever, and tell
        // HINT: What does `suspend` do when it is resumed? Read what stands behind its switch: by what is it told
        //   that it must panic?
        // HINT: The destructors on its stack have run, or one of them has suspended. What tells the two apart,
        //   and in which of them may others still point into the stack?
        // HINT: One turn in the state that makes `suspend` panic. Then look at the state: `free` if the fiber has
        //   ended, `tell_of_the_leak` and nothing more in any other.
        self.turn(State::Unwinding);
        match self.inner().state.get() {
            // SAFETY: its function has been left, and all that was on the stack with it.
            State::Ended => unsafe { self.free() },
            _ => self.tell_of_the_leak(),
        }
    }
    // ANCHOR_END: end_suspended

    /// Frees what the fiber has, its stack with it.
    ///
    /// # Safety
    /// The stack has no frame that anybody refers to, and the handle is not used again.
    unsafe fn free(&mut self) {
        // SAFETY: it is from a box, and the caller promises that this is the last of it.
        drop(unsafe { Box::from_raw(self.inner.as_ptr()) });
    }

    fn tell_of_the_leak(&self) {
        let size = self.inner().stack.size();
        eprintln!(
            "fibers: a fiber suspended while it was unwound: it is leaked, with its stack of {size} \
             bytes"
        );
    }

    /// What tells it from the other fibers that there are.
    pub(crate) fn address(&self) -> usize {
        self.inner.as_ptr() as usize
    }

    fn inner(&self) -> &Inner {
        // SAFETY: it lives until this handle is dropped, and all that changes in it is in cells.
        unsafe { self.inner.as_ref() }
    }
}

impl Drop for Fiber {
    fn drop(&mut self) {
        match self.inner().state.get() {
            // SAFETY: nothing is on its stack that could be missed, and this is where it goes.
            State::New | State::Ended => unsafe { self.free() },
            _ => self.end_suspended(),
        }
    }
}

impl fmt::Debug for Fiber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fiber").field("state", &self.inner().state.get()).finish_non_exhaustive()
    }
}

/// Stops the fiber that calls this, until it is resumed: `resume` returns to whoever called it.
///
/// A lock that is held meanwhile stays locked, and a fiber that waits for it blocks the thread that
/// would have to resume the holder.
///
/// # Panics
/// Outside of a fiber. And when the fiber is dropped: this is where it is then unwound.
pub fn suspend() {
    let current = CURRENT.get();
    assert!(!current.is_null(), "`suspend` outside of a fiber: nobody could resume what calls it");
    // SAFETY: the fiber that runs here is alive, as `resume` or `drop` has borrowed its handle.
    let inner = unsafe { &*current };
    inner.state.set(State::Suspended);
    // SAFETY: this code runs on the stack that was resumed through `other`.
    unsafe { switch::suspend(inner.other.as_ptr()) };
    if inner.state.get() == State::Unwinding {
        // Not `panic!`: nobody has made a mistake, so the hook has nothing to report.
        panic::resume_unwind(Box::new(Unwound));
    }
}

/// The [`Fiber::address`] of the fiber that runs, or 0.
pub(crate) fn current() -> usize {
    CURRENT.get() as usize
}

// ANCHOR: first
/// The first function on each stack. Nothing above it can catch a panic.
extern "C" fn first(other: *mut StackPointer) -> ! {
    // FORK first-frame: run the function that is in this fiber's `Inner`, catch what it panics with, leave the
    //   result and that it has ended in there, and go back for good
    // HINT: Below this function there is no frame. Where does a panic end up that leaves it? std's `catch_unwind`
    //   gives back what `result` has a place for.
    // HINT: `other` is all that this function is given. Of what is it the first field? Look at the comment on
    //   `Inner`.
    // HINT: It can't return: the word above it is no address. How does a fiber that waits leave its stack, and
    //   what must its `Inner` say before it does so for the last time?
    // HINT: Get at the `Inner` behind `other`; take the function and call it where panics are caught; set the
    //   result, then the state; suspend by this file's `switch`; and behind that say that it is unreachable.
    // SAFETY: a fiber's word is the first field of its `Inner`, which outlives its stack.
    let inner = unsafe { &*other.cast::<Inner>() };
    let function = inner.function.take().expect("a fiber begins once");
    let result = panic::catch_unwind(AssertUnwindSafe(function));
    inner.result.set(Some(result));
    inner.state.set(State::Ended);
    // SAFETY: this code runs on the stack that was resumed through `other`.
    unsafe { switch::suspend(other) };
    unreachable!("a fiber that has ended is not resumed")
}
// ANCHOR_END: first
