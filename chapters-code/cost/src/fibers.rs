use std::cell::Cell;
use std::hint;
use std::io::{self, Read, Write};
use std::process;
use std::rc::Rc;
use std::time::{Duration, Instant};

use ::fibers::fiber::{Fiber, suspend};
use ::fibers::{UnixStream, run, spawn, stack, yield_now};

use crate::{Crowd, KEPT};

/// What every fiber of the crowd does.
fn wait_as_fiber() {
    let kept = [1_u8; KEPT];
    suspend();
    hint::black_box(&kept);
}

/// Fibers that wait, on the caller's thread, each on a stack of the size that `spawn` takes.
#[derive(Debug, Default)]
pub struct Fibers {
    waiting: Vec<Fiber>,
}

impl Fibers {
    /// None yet.
    pub fn new() -> Fibers {
        Fibers::default()
    }
}

impl Crowd for Fibers {
    fn name(&self) -> &'static str {
        "fiber"
    }

    fn pid(&self) -> u32 {
        process::id()
    }

    fn add(&mut self, count: usize) -> io::Result<Duration> {
        let start = Instant::now();
        for _ in 0..count {
            let mut fiber = Fiber::new(stack::DEFAULT_SIZE, wait_as_fiber)?;
            let _ = fiber.resume();
            self.waiting.push(fiber);
        }
        Ok(start.elapsed())
    }

    fn pass(&mut self, round_trips: u32) -> io::Result<Duration> {
        Ok(run(move || {
            let token = Rc::new(Cell::new(0));
            let player = |own: u32| {
                let token = Rc::clone(&token);
                spawn(move || {
                    for _ in 0..round_trips {
                        while token.get() != own {
                            yield_now();
                        }
                        token.set(1 - own);
                    }
                })
            };
            let (one, other) = (player(0), player(1));
            let start = Instant::now();
            one.join().and_then(|()| other.join()).expect("it does not panic");
            start.elapsed() / (2 * round_trips)
        }))
    }

    fn pass_byte(&mut self, round_trips: u32) -> io::Result<Duration> {
        run(move || {
            let (mut ours, mut theirs) = UnixStream::pair()?;
            let other = spawn(move || {
                let mut byte = [0];
                for _ in 0..round_trips {
                    theirs.read_exact(&mut byte)?;
                    theirs.write_all(&byte)?;
                }
                io::Result::Ok(())
            });
            let (mut byte, start) = ([0], Instant::now());
            for _ in 0..round_trips {
                ours.write_all(&byte)?;
                ours.read_exact(&mut byte)?;
            }
            let took = start.elapsed() / (2 * round_trips);
            other.join().expect("it does not panic")?;
            Ok(took)
        })
    }
}
