//! Who runs next: a queue of the fibers that can go on, and one wait for all the others.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, VecDeque};
use std::io::{self, ErrorKind};
use std::panic;
use std::rc::Rc;
use std::time::{Duration, Instant};

use my_mio::event::Source;
use my_mio::{Events, Interest, Poll, Registry, Token};

use crate::fiber::{self, Fiber, Progress, suspend};
use crate::join::{Ends, JoinHandle, Shared};
use crate::slab::Slab;
use crate::stack;

/// After so many turns the sockets are asked although a fiber can go on: else two fibers that yield
/// to each other would keep all that wait.
const TURNS: u32 = 64;

thread_local! {
    static RUNTIME: RefCell<Option<Runtime>> = const { RefCell::new(None) };
    static RUNS: Cell<u64> = const { Cell::new(0) };
}

/// All that a call of [`run`] has. It is borrowed for a few lines at a time, and never over a switch.
struct Runtime {
    /// Which `run` of this thread it is.
    id: u64,
    poll: Poll,
    events: Events,
    fibers: Slab<Entry>,
    ready: VecDeque<usize>,
    /// For each registered socket those who wait for it.
    sockets: Slab<Vec<usize>>,
    /// How many these are.
    at_sockets: usize,
    timers: BTreeSet<(Instant, usize)>,
    /// The fiber that runs.
    current: usize,
    turns: u32,
}

struct Entry {
    /// `None` while it runs.
    fiber: Option<Fiber>,
    address: usize,
    joined: Rc<dyn Ends>,
    /// `None` unless it is suspended and not yet in the queue.
    waits: Option<Wait>,
}

/// What a fiber waits for, besides being woken.
#[derive(Clone, Copy, Default)]
pub(crate) struct Wait {
    pub socket: Option<usize>,
    pub deadline: Option<Instant>,
}

/// Runs `function` in a fiber, and the fibers that it spawns, until `function` returns.
///
/// Those that have not ended by then are unwound, as a dropped [`Fiber`] is.
///
/// # Panics
/// With the panic of `function`. Inside another `run` of this thread. If all fibers wait and no
/// socket and no time is among what they wait for. If there is no epoll instance or stack to be had.
pub fn run<T: 'static>(function: impl FnOnce() -> T + 'static) -> T {
    let runtime = Installed::new();
    let main = spawn(function);
    while !main.is_finished() {
        turn();
    }
    drop(runtime);
    main.result().expect("it has ended").unwrap_or_else(|payload| panic::resume_unwind(payload))
}

/// Begins a fiber on a stack of [`stack::DEFAULT_SIZE`]: it runs when those before it in the queue have
/// had their turn.
///
/// # Panics
/// Outside of [`run`], and if there is no stack to be had: [`spawn_sized`] returns that.
pub fn spawn<T: 'static>(function: impl FnOnce() -> T + 'static) -> JoinHandle<T> {
    spawn_sized(stack::DEFAULT_SIZE, function).unwrap_or_else(|error| panic!("{error}"))
}

/// Begins a fiber on a stack of at least `size` bytes.
///
/// # Errors
/// Those of [`stack::Stack::new`].
///
/// # Panics
/// Outside of [`run`].
pub fn spawn_sized<T: 'static>(
    size: usize,
    function: impl FnOnce() -> T + 'static,
) -> io::Result<JoinHandle<T>> {
    let run = with("spawn", |runtime| runtime.id);
    let shared = Rc::new(Shared::new(run));
    let sets = Rc::clone(&shared);
    let fiber = Fiber::new(size, move || sets.end(Ok(function())))?;
    let (address, joined) = (fiber.address(), Rc::clone(&shared) as Rc<dyn Ends>);
    with("spawn", |runtime| {
        let entry = Entry { fiber: Some(fiber), address, joined, waits: None };
        let id = runtime.fibers.insert(entry);
        runtime.ready.push_back(id);
        shared.id.set(id);
    });
    Ok(JoinHandle { shared })
}

/// Lets the other fibers that can go on have their turn.
///
/// # Panics
/// Outside of a fiber.
pub fn yield_now() {
    with_fiber("yield_now", |runtime, id| runtime.ready.push_back(id));
    suspend();
}

/// Lets others run until `time` has passed.
///
/// # Panics
/// Outside of a fiber.
pub fn sleep(time: Duration) {
    let deadline = Instant::now() + time;
    loop {
        wait("sleep", Wait { socket: None, deadline: Some(deadline) });
        if Instant::now() >= deadline {
            return;
        }
    }
}

/// Suspends the fiber until it is woken, an event comes for its socket, or the deadline passes.
pub(crate) fn wait(caller: &str, wait: Wait) {
    with_fiber(caller, |runtime, id| runtime.park(id, wait));
    suspend();
}

/// Suspends the fiber until `joined` has ended, which belongs to a `run` with this number.
pub(crate) fn wait_for_end(run: u64, joined: usize, joiner: &Cell<Option<usize>>) {
    with_fiber("join", |runtime, id| {
        assert!(run == runtime.id, "`join` of a fiber whose `run` has ended");
        assert!(joined != id, "a fiber joins itself: it would wait for ever");
        joiner.set(Some(id));
        runtime.park(id, Wait::default());
    });
    suspend();
}

/// One turn: of the first fiber in the queue, or of the kernel.
fn turn() {
    let (id, mut fiber) = match with("run", Runtime::next) {
        Some(next) => next,
        None => return,
    };
    let progress = fiber.resume();
    let ended = with("run", |runtime| match progress {
        Progress::Suspended => {
            runtime.fibers[id].fiber = Some(fiber);
            None
        }
        Progress::Ended(result) => Some((runtime.fibers.remove(id), fiber, result)),
    });
    // What is dropped here may run code of the caller's, so the runtime is not borrowed.
    if let Some((entry, fiber, result)) = ended {
        drop(fiber);
        if let Err(payload) = result {
            entry.joined.panicked(payload);
        }
        if let Some(joiner) = entry.joined.joiner() {
            with("run", |runtime| runtime.wake(joiner));
        }
    }
}

impl Runtime {
    fn new(id: u64) -> io::Result<Runtime> {
        let (poll, events) = (Poll::new()?, Events::with_capacity(256));
        let (fibers, sockets) = (Slab::default(), Slab::default());
        let (ready, timers) = (VecDeque::new(), BTreeSet::new());
        Ok(Runtime {
            id,
            poll,
            events,
            fibers,
            ready,
            sockets,
            at_sockets: 0,
            timers,
            current: 0,
            turns: 0,
        })
    }

    /// The fiber whose turn it is. Nobody's if none can go on: then this has waited.
    fn next(&mut self) -> Option<(usize, Fiber)> {
        self.turns += 1;
        if self.ready.is_empty() || self.turns >= TURNS {
            self.ask_the_kernel();
        }
        let id = self.ready.pop_front()?;
        self.current = id;
        let fiber = self.fibers[id].fiber.take();
        Some((id, fiber.expect("a fiber in the queue does not run")))
    }

    /// Puts those in the queue for whom something has happened; waits for that if the queue is empty.
    fn ask_the_kernel(&mut self) {
        self.turns = 0;
        let idle = self.ready.is_empty();
        let timeout = match self.timers.first() {
            _ if !idle => Some(Duration::ZERO),
            Some((deadline, _)) => Some(deadline.saturating_duration_since(Instant::now())),
            None if self.at_sockets == 0 => panic!(
                "a deadlock, with {} not ended: none is in the queue, or waits for a socket or a time",
                self.fibers.count()
            ),
            None => None,
        };
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            polled => polled.expect("the epoll instance is this runtime's"),
        }
        let told: Vec<usize> = self.events.iter().map(|event| event.token().0).collect();
        for socket in told {
            // An event may come for a socket that is gone.
            let waiting = self.sockets.get_mut(socket).map(std::mem::take).unwrap_or_default();
            waiting.into_iter().for_each(|id| self.wake(id));
        }
        let now = Instant::now();
        while let Some(&(deadline, id)) =
            self.timers.first().filter(|(deadline, _)| *deadline <= now)
        {
            self.timers.remove(&(deadline, id));
            self.wake(id);
        }
    }

    fn park(&mut self, id: usize, wait: Wait) {
        if let Some(socket) = wait.socket {
            self.sockets[socket].push(id);
            self.at_sockets += 1;
        }
        if let Some(deadline) = wait.deadline {
            self.timers.insert((deadline, id));
        }
        self.fibers[id].waits = Some(wait);
    }

    /// Puts a fiber that waits into the queue, once, whatever it was woken by.
    fn wake(&mut self, id: usize) {
        // FORK straight-line: if this fiber waits, put it behind the others in the queue, and forget all that it
        //   waited for
        // HINT: A read with a limit waits for two things, and both may have happened when it is its turn. What
        //   tells that a fiber is already in the queue? Look at what `Entry` says of `waits`.
        // HINT: `park` writes a wait down in four places. What happens to a fiber that waits for something else
        //   by now, when one of them is left?
        // HINT: Take the wait out of the entry; where there is none, or no entry, nothing is to be done. Then
        //   undo each line of `park`, and push to the end of the queue.
        let Some(wait) = self.fibers.get_mut(id).and_then(|entry| entry.waits.take()) else {
            return;
        };
        if let Some(socket) = wait.socket {
            self.at_sockets -= 1;
            if let Some(waiting) = self.sockets.get_mut(socket) {
                waiting.retain(|waiting| *waiting != id);
            }
        }
        if let Some(deadline) = wait.deadline {
            self.timers.remove(&(deadline, id));
        }
        self.ready.push_back(id);
    }
}

/// The place of a socket among those of one `run`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registered {
    run: u64,
    pub socket: usize,
}

/// Registers a socket for both directions.
pub(crate) fn register(socket: &mut impl Source) -> io::Result<Registered> {
    registered(|runtime| {
        let at = runtime.sockets.insert(Vec::new());
        let both = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = socket.register(runtime.poll.registry(), Token(at), both) {
            runtime.sockets.remove(at);
            return Err(error);
        }
        Ok(Registered { run: runtime.id, socket: at })
    })
}

/// Ends a registration; those who wait for the socket try once more, and find out.
pub(crate) fn deregister(socket: &mut impl Source, at: Registered) {
    let _ = registered(|runtime| {
        if runtime.id == at.run {
            let waiting = runtime.sockets.remove(at.socket);
            waiting.into_iter().for_each(|id| runtime.wake(id));
            let registry: &Registry = runtime.poll.registry();
            return socket.deregister(registry);
        }
        Ok(())
    });
}

/// Whether the fiber that runs may wait for this socket.
pub(crate) fn belongs(at: Registered) -> io::Result<()> {
    registered(|runtime| match runtime.id == at.run {
        true => Ok(()),
        false => Err(io::Error::other("this socket belongs to a `fibers::run` that has ended")),
    })
}

fn registered<T>(body: impl FnOnce(&mut Runtime) -> io::Result<T>) -> io::Result<T> {
    let done = RUNTIME.try_with(|runtime| runtime.borrow_mut().as_mut().map(body));
    let outside = || io::Error::other("a fiber's socket outside of `fibers::run`");
    done.ok().flatten().unwrap_or_else(|| Err(outside()))
}

/// Lends the runtime of this thread.
fn with<T>(caller: &str, body: impl FnOnce(&mut Runtime) -> T) -> T {
    RUNTIME.with(|runtime| match runtime.borrow_mut().as_mut() {
        Some(runtime) => body(runtime),
        None => panic!("`{caller}` outside of `fibers::run`: there is nobody to switch to"),
    })
}

/// Lends the runtime, and the place of the fiber that calls.
fn with_fiber<T>(caller: &str, body: impl FnOnce(&mut Runtime, usize) -> T) -> T {
    with(caller, |runtime| {
        let entry = runtime.fibers.get_mut(runtime.current);
        let ours = entry.is_some_and(|entry| entry.address == fiber::current());
        assert!(ours, "`{caller}` outside of a fiber that `run` or `spawn` began");
        body(runtime, runtime.current)
    })
}

/// The runtime of this thread, until this is dropped.
struct Installed;

impl Installed {
    fn new() -> Installed {
        let id = RUNS.get() + 1;
        RUNS.set(id);
        RUNTIME.with(|place| {
            let mut place = place.borrow_mut();
            assert!(place.is_none(), "`run` inside `run`: a thread has one queue; use `spawn`");
            let runtime = Runtime::new(id).unwrap_or_else(|error| panic!("no epoll: {error}"));
            *place = Some(runtime);
        });
        Installed
    }
}

impl Drop for Installed {
    /// Unwinds the fibers that are left, while their sockets can still say that they go.
    fn drop(&mut self) {
        while let Some(left) = with("run", |runtime| runtime.fibers.pop()) {
            drop(left);
        }
        let runtime = RUNTIME.with(|place| place.borrow_mut().take());
        drop(runtime);
    }
}

#[cfg(test)]
mod tests;
