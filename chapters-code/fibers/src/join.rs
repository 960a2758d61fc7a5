//! A fiber's end, and who waits for it.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::thread;

use crate::runtime::wait_for_end;

/// A fiber's result, once it has one. Dropped, the fiber goes on without it.
pub struct JoinHandle<T> {
    pub(crate) shared: Rc<Shared<T>>,
}

/// What a fiber and its handle have in common.
pub(crate) struct Shared<T> {
    run: u64,
    /// Its place in the queue's list.
    pub(crate) id: Cell<usize>,
    result: RefCell<Option<thread::Result<T>>>,
    joiner: Cell<Option<usize>>,
}

impl<T> Shared<T> {
    pub(crate) fn new(run: u64) -> Shared<T> {
        let (result, joiner) = (RefCell::new(None), Cell::new(None));
        Shared { run, id: Cell::new(0), result, joiner }
    }

    pub(crate) fn end(&self, result: thread::Result<T>) {
        *self.result.borrow_mut() = Some(result);
    }
}

/// What the queue has to do with a fiber's result, whatever its type is.
pub(crate) trait Ends {
    fn panicked(&self, payload: Box<dyn Any + Send>);
    fn joiner(&self) -> Option<usize>;
}

impl<T> Ends for Shared<T> {
    fn panicked(&self, payload: Box<dyn Any + Send>) {
        self.end(Err(payload));
    }

    fn joiner(&self) -> Option<usize> {
        self.joiner.take()
    }
}

impl<T> JoinHandle<T> {
    /// Waits until the fiber has ended: what its function returned, or the payload of its panic.
    ///
    /// # Panics
    /// If a fiber joins itself, or its `run` has ended and has taken it along.
    pub fn join(self) -> thread::Result<T> {
        loop {
            if let Some(result) = self.shared.result.take() {
                return result;
            }
            wait_for_end(self.shared.run, self.shared.id.get(), &self.shared.joiner);
        }
    }

    /// Whether it has ended.
    pub fn is_finished(&self) -> bool {
        self.shared.result.borrow().is_some()
    }

    pub(crate) fn result(self) -> Option<thread::Result<T>> {
        self.shared.result.take()
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("finished", &self.is_finished()).finish()
    }
}
