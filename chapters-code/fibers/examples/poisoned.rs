//! A lock of a fiber that never panicked, poisoned by the panic of another.

use std::panic;
use std::rc::Rc;
use std::sync::Mutex;

use fibers::{run, spawn, yield_now};

// ANCHOR: yields
/// Lets the other fibers run when it is dropped.
struct Yields;

impl Drop for Yields {
    fn drop(&mut self) {
        yield_now();
    }
}

fn main() {
    panic::set_hook(Box::new(|_| println!("a panic begins")));
    run(two_fibers);
}
// ANCHOR_END: yields

// ANCHOR: poisoned
fn two_fibers() {
    let lock = Rc::new(Mutex::new(0));
    let locks = Rc::clone(&lock);
    let innocent = spawn(move || {
        let guard = locks.lock();
        yield_now();
        drop(guard);
        println!("innocent has unlocked");
    });
    let guilty = spawn(|| {
        let _yields = Yields;
        panic!("boom");
    });
    println!("innocent panicked: {}", innocent.join().is_err());
    println!("guilty panicked:   {}", guilty.join().is_err());
    println!("lock is poisoned:  {}", lock.is_poisoned());
}
// ANCHOR_END: poisoned
