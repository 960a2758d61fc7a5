//! Values by small numbers, which are used again.

use std::ops::{Index, IndexMut};

#[derive(Debug)]
pub(crate) struct Slab<T> {
    places: Vec<Option<T>>,
    free: Vec<usize>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Slab { places: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    pub(crate) fn insert(&mut self, value: T) -> usize {
        let at = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            self.places.len() - 1
        });
        self.places[at] = Some(value);
        at
    }

    pub(crate) fn remove(&mut self, at: usize) -> T {
        self.free.push(at);
        self.places[at].take().expect("nobody removes what is not there")
    }

    pub(crate) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        self.places.get_mut(at)?.as_mut()
    }

    /// Removes the last one, and the places behind it: who takes all needs none of them again.
    pub(crate) fn pop(&mut self) -> Option<T> {
        self.free.clear();
        std::iter::from_fn(|| self.places.pop()).flatten().next()
    }

    pub(crate) fn count(&self) -> usize {
        self.places.iter().flatten().count()
    }
}

impl<T> Index<usize> for Slab<T> {
    type Output = T;

    fn index(&self, at: usize) -> &T {
        self.places[at].as_ref().expect("nobody asks for what was removed")
    }
}

impl<T> IndexMut<usize> for Slab<T> {
    fn index_mut(&mut self, at: usize) -> &mut T {
        self.places[at].as_mut().expect("nobody asks for what was removed")
    }
}
