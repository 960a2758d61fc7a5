//! What a switch costs, there and back.

use std::time::{Duration, Instant};

use crate::switch::{First, StackPointer, paired, plain};

/// So many times there and back make one measure: short enough that some are not interrupted.
const TRIPS: u32 = 20_000;

/// What each takes there and back, in nanoseconds. In each round all take their turn, so that what
/// the machine does besides falls on all; the best round counts.
pub fn best_of<const N: usize>(rounds: usize, mut ways: [&mut dyn FnMut(u32); N]) -> [f64; N] {
    let mut best = [Duration::MAX; N];
    for _ in 0..rounds {
        for (way, best) in ways.iter_mut().zip(&mut best) {
            let from = Instant::now();
            way(TRIPS);
            *best = from.elapsed().min(*best);
        }
    }
    best.map(|best| best.as_nanos() as f64 / f64::from(TRIPS))
}

/// Goes there and back by [`plain::switch`], so many times.
pub fn by_plain() -> impl FnMut(u32) {
    let mut echo = Echo::new(plain::prepare, back_by_plain);
    move |times| {
        for _ in 0..times {
            // SAFETY: the fiber waits on a stack that `echo` holds, and comes back the same way.
            unsafe { plain::switch(echo.word()) }
        }
    }
}

/// Goes there and back by `jump::switch_by_jump`, so many times.
#[cfg(target_arch = "x86_64")]
pub fn by_jump() -> impl FnMut(u32) {
    let mut echo = Echo::new(plain::prepare, back_by_jump);
    move |times| {
        for _ in 0..times {
            // SAFETY: as in `by_plain`.
            unsafe { crate::switch::jump::switch_by_jump(echo.word()) }
        }
    }
}

/// Goes there by [`paired::resume`] and back by [`paired::suspend`], so many times.
pub fn by_paired() -> impl FnMut(u32) {
    let mut echo = Echo::new(paired::prepare, back_by_paired);
    move |times| {
        for _ in 0..times {
            // SAFETY: as in `by_plain`.
            unsafe { paired::resume(echo.word()) }
        }
    }
}

/// A fiber that only goes back, on a stack of its own.
struct Echo {
    /// The fiber keeps its address.
    other: Box<StackPointer>,
    _stack: Vec<u128>,
}

impl Echo {
    fn new(prepare: unsafe fn(*mut u8, First) -> StackPointer, first: First) -> Echo {
        let mut stack = vec![0_u128; 1024];
        // SAFETY: the stack is 16 KiB that nobody else uses, and its end is a multiple of 16.
        let other = unsafe { prepare(stack.as_mut_ptr_range().end.cast(), first) };
        Echo { other: Box::new(other), _stack: stack }
    }

    /// By a method, so that a closure that calls it holds the stack too, and not only this field.
    fn word(&mut self) -> *mut StackPointer {
        &raw mut *self.other
    }
}

extern "C" fn back_by_plain(other: *mut StackPointer) -> ! {
    loop {
        // SAFETY: this side was resumed through `other`, the same way.
        unsafe { plain::switch(other) }
    }
}

#[cfg(target_arch = "x86_64")]
extern "C" fn back_by_jump(other: *mut StackPointer) -> ! {
    loop {
        // SAFETY: as in `back_by_plain`.
        unsafe { crate::switch::jump::switch_by_jump(other) }
    }
}

extern "C" fn back_by_paired(other: *mut StackPointer) -> ! {
    loop {
        // SAFETY: as in `back_by_plain`.
        unsafe { paired::suspend(other) }
    }
}
