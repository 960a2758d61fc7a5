//! What `block` and `wake` owe the fibers that wait. Each message says what happened and what had to come.

use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind, Read, Write};
use std::panic::catch_unwind;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use fibers::{Socket, run, sleep, spawn, yield_now};
use lab::doomed::{self, Ending};
use my_mio::net::UnixStream;

/// Long enough for the kernel to be asked meanwhile.
const A_MOMENT: Duration = Duration::from_millis(5);

/// What is appended to from several fibers.
type Log = Rc<RefCell<Vec<&'static str>>>;

/// Two connected sockets, of which the kernel has told all that it knows: that they can be written.
fn pair() -> (Rc<Socket<UnixStream>>, UnixStream) {
    let (ours, peer) = UnixStream::pair().unwrap();
    let ours = Rc::new(Socket::new(ours).unwrap());
    sleep(A_MOMENT);
    (ours, peer)
}

/// Reads by `block`: what came, in words, and how many calls that took.
fn read(socket: &Socket<UnixStream>, patience: Option<Duration>) -> (String, u32) {
    let (mut calls, mut buffer) = (0, [0; 64]);
    let read = socket.block(patience, |mut socket| {
        calls += 1;
        socket.read(&mut buffer)
    });
    (in_words(read), calls)
}

fn in_words(read: io::Result<usize>) -> String {
    match read {
        Ok(0) => "the end".into(),
        Ok(bytes) => format!("{bytes} bytes"),
        Err(error) => format!("the error {:?}", error.kind()),
    }
}

/// What happened, what had to come of it, and what came.
#[track_caller]
fn must<T: PartialEq + std::fmt::Debug>(happened: &str, right: T, came: T) {
    assert!(came == right, "{happened}: expected {right:?}; got {came:?}");
}

#[test]
fn bytes_whose_event_is_long_gone_are_read() {
    run(|| {
        let (socket, mut peer) = pair();
        peer.write_all(b"hello").unwrap();
        sleep(A_MOMENT);
        must("5 bytes came while nobody waited", ("5 bytes".into(), 1), read(&socket, None));
    });
}

#[test]
fn the_others_run_while_one_waits_for_its_bytes() {
    let log = run(|| {
        let (log, (socket, mut peer)) = (Log::default(), pair());
        let reads = Rc::clone(&log);
        let reader = spawn(move || {
            reads.borrow_mut().push("waits");
            must("the bytes came later", "5 bytes".to_owned(), read(&socket, None).0);
            reads.borrow_mut().push("has read");
        });
        yield_now();
        log.borrow_mut().push("sends");
        peer.write_all(b"hello").unwrap();
        reader.join().unwrap();
        log.take()
    });
    must("one reads, another sends", vec!["waits", "sends", "has read"], log);
}

#[test]
fn one_that_waits_makes_no_calls_meanwhile() {
    run(|| {
        let (socket, mut peer) = pair();
        let reader = spawn(move || read(&socket, None));
        for _ in 0..50 {
            yield_now();
        }
        sleep(A_MOMENT);
        peer.write_all(b"hello").unwrap();
        let read = reader.join().unwrap();
        must("5 bytes came behind fifty turns of another", ("5 bytes".into(), 2), read);
    });
}

#[test]
fn one_that_waits_has_no_turns_meanwhile() {
    run(|| {
        let ((socket, _peer), calls) = (pair(), Rc::new(Cell::new(0)));
        let counts = Rc::clone(&calls);
        spawn(move || {
            let _ = socket.block(None, |_| -> io::Result<()> {
                counts.set(counts.get() + 1);
                Err(ErrorKind::WouldBlock.into())
            });
        });
        for _ in 0..50 {
            yield_now();
        }
        let as_often = calls.get() > 25;
        must("another had fifty turns: one that waits has called as often", false, as_often);
    });
}

#[test]
fn one_that_has_no_limit_sleeps_without_one() {
    if lab::measure::emulated() {
        return println!("skipped: a program for another processor cannot start itself again");
    }
    let waits = doomed::start("one_that_has_no_limit_sleeps_without_one", || {
        run(|| {
            let (socket, _peer) = pair();
            read(&socket, None);
        });
    });
    let ended = waits.end(Duration::from_secs(3));
    let right = matches!(ended.how, Ending::Hung(_));
    // Where it runs on, its threads that sleep say nothing of it: they are the test's own.
    let came = match ended.how {
        Ending::TooLong => ended.how.to_string(),
        _ => ended.to_string(),
    };
    assert!(
        right,
        "no limit, and nothing comes: expected a thread that sleeps for ever; got {came}"
    );
}

#[test]
fn the_end_is_read_too() {
    run(|| {
        let (socket, peer) = pair();
        let reader = spawn(move || read(&socket, None).0);
        yield_now();
        drop(peer);
        must("the peer closed", "the end".to_owned(), reader.join().unwrap());
    });
}

#[test]
fn a_call_that_a_signal_interrupts_is_made_again_at_once() {
    run(|| {
        let (socket, _peer) = pair();
        let mut calls = 0;
        let came = socket.block(None, |_| {
            calls += 1;
            if calls < 3 { Err(ErrorKind::Interrupted.into()) } else { Ok(7) }
        });
        must("two calls were interrupted", ("7 bytes".into(), 3), (in_words(came), calls));
    });
}

#[test]
fn a_call_that_need_not_wait_lets_nobody_else_run() {
    run(|| {
        let ((socket, _peer), others) = (pair(), Rc::new(Cell::new(false)));
        let runs = Rc::clone(&others);
        spawn(move || runs.set(true));
        must(
            "a call had its answer",
            "7 bytes".to_owned(),
            in_words(socket.block(None, |_| Ok(7))),
        );
        must("it had it at once, and another fiber its turn meanwhile", false, others.get());
        let mut calls = 0;
        let came = socket.block(None, |_| {
            calls += 1;
            if calls < 2 { Err(ErrorKind::Interrupted.into()) } else { Ok(7) }
        });
        must("a call was interrupted, and made again", "7 bytes".to_owned(), in_words(came));
        must("meanwhile another fiber had its turn", false, others.get());
    });
}

#[test]
fn any_other_error_is_the_caller_s() {
    run(|| {
        let (socket, _peer) = pair();
        for kind in [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe, ErrorKind::NotConnected] {
            let came = socket.block(None, |_| Err(kind.into()));
            must(
                &format!("a call ended in {kind:?}"),
                format!("the error {kind:?}"),
                in_words(came),
            );
        }
    });
}

#[test]
fn an_event_that_brings_nothing_is_waited_behind() {
    run(|| {
        let (socket, mut peer) = pair();
        let waits = spawn(move || {
            let mut calls = 0;
            let came = socket.block(None, |_| {
                calls += 1;
                if calls < 4 { Err(ErrorKind::WouldBlock.into()) } else { Ok(7) }
            });
            (in_words(came), calls)
        });
        for _ in 0..3 {
            yield_now();
            // Nobody is there to read it if the call has ended too early.
            let _ = peer.write_all(b"x");
            sleep(A_MOMENT);
        }
        let came = waits.join().unwrap();
        must("three events, three calls that would block", ("7 bytes".into(), 4), came);
    });
}

#[test]
fn patience_is_that_of_the_whole_call() {
    run(|| {
        let (socket, mut peer) = pair();
        let sent = Rc::new(Cell::new(0));
        let sends = Rc::clone(&sent);
        spawn(move || {
            for _ in 0..100 {
                sleep(A_MOMENT);
                peer.write_all(b"x").unwrap();
                sends.set(sends.get() + 1);
            }
        });
        let never = |_: &UnixStream| -> io::Result<usize> { Err(ErrorKind::WouldBlock.into()) };
        let came = in_words(socket.block(Some(8 * A_MOMENT), never));
        must("nothing could be read", "the error TimedOut".to_owned(), came);
        let all = sent.get() == 100;
        must("events came for longer than patience: was each waited for?", false, all);
    });
}

#[test]
fn patience_may_last_longer_than_any_clock() {
    run(|| {
        let (socket, mut peer) = pair();
        let reader = spawn(move || read(&socket, Some(Duration::MAX)).0);
        yield_now();
        // Nobody is there to read it if the reader has panicked.
        let _ = peer.write_all(b"hello");
        let came = reader.join().unwrap_or_else(|_| "a panic".into());
        must("5 bytes came, with a patience of `Duration::MAX`", "5 bytes".to_owned(), came);
    });
}

#[test]
fn what_is_there_is_read_without_any_patience() {
    run(|| {
        let (socket, mut peer) = pair();
        peer.write_all(b"hello").unwrap();
        let there = read(&socket, Some(Duration::ZERO)).0;
        must("5 bytes, and no patience", "5 bytes".to_owned(), there);
        let nothing = read(&socket, Some(Duration::ZERO)).0;
        must("nothing, and no patience", "the error TimedOut".to_owned(), nothing);
    });
}

#[test]
fn the_event_and_the_limit_at_once_are_one_turn() {
    run(|| {
        let (socket, mut peer) = pair();
        let reader = spawn(move || (0..2).map(|_| read(&socket, Some(2 * A_MOMENT)).0).collect());
        yield_now();
        peer.write_all(b"hello").unwrap();
        // The whole thread: when it asks the kernel, both have happened.
        thread::sleep(4 * A_MOMENT);
        let came: Vec<String> = reader.join().unwrap();
        let right = vec!["5 bytes".to_owned(), "the error TimedOut".to_owned()];
        must("5 bytes came, the limit passed, and then nothing more came", right, came);
    });
}

#[test]
fn what_is_no_longer_waited_for_wakes_nobody() {
    run(|| {
        let (first, mut its_peer) = pair();
        let (second, mut the_other) = pair();
        let limit = Some(A_MOMENT);
        must("the first has nothing", "the error TimedOut".to_owned(), read(&first, limit).0);
        let reader = spawn(move || read(&second, None));
        yield_now();
        its_peer.write_all(b"late").unwrap();
        sleep(A_MOMENT);
        the_other.write_all(b"hello").unwrap();
        let came = reader.join().unwrap();
        must("late bytes at the first, 5 at the second", ("5 bytes".into(), 2), came);
        drop(first);
    });
}

#[test]
fn a_fiber_that_went_on_is_not_woken_for_what_it_waited_for_before() {
    run(|| {
        let (first, mut its_peer) = pair();
        let (second, mut the_other) = pair();
        let reader = spawn(move || {
            // It is told of the end of patience, and what comes here later is nothing to it.
            let first = (read(&first, Some(A_MOMENT)).0, first);
            (first.0, read(&second, None))
        });
        sleep(3 * A_MOMENT);
        its_peer.write_all(b"late").unwrap();
        sleep(A_MOMENT);
        the_other.write_all(b"hello").unwrap();
        let (timed_out, came) = reader.join().unwrap();
        must("the first had nothing", "the error TimedOut".to_owned(), timed_out);
        must("late bytes at the first, 5 at the second", ("5 bytes".into(), 2), came);
    });
}

#[test]
fn a_limit_that_was_not_needed_wakes_nobody_later() {
    run(|| {
        let (first, mut its_peer) = pair();
        let (second, mut the_other) = pair();
        let reader = spawn(move || (read(&first, Some(20 * A_MOMENT)), read(&second, None)));
        yield_now();
        its_peer.write_all(b"hello").unwrap();
        sleep(24 * A_MOMENT);
        the_other.write_all(b"again").unwrap();
        let right = (("5 bytes".to_owned(), 2), ("5 bytes".to_owned(), 2));
        must("5 bytes in time, and 5 long after the limit", right, reader.join().unwrap());
    });
}

#[test]
fn the_end_of_one_s_patience_is_nothing_to_another_at_the_same_socket() {
    run(|| {
        let (socket, mut peer) = pair();
        let same = Rc::clone(&socket);
        let impatient = spawn(move || read(&socket, Some(A_MOMENT)).0);
        let patient = spawn(move || read(&same, None).0);
        must("one had a limit", "the error TimedOut".to_owned(), impatient.join().unwrap());
        peer.write_all(b"hello").unwrap();
        sleep(A_MOMENT);
        let has_read = patient.is_finished();
        must("then 5 bytes came: another at the same socket has read", true, has_read);
    });
}

#[test]
fn one_that_is_gone_is_not_woken() {
    let ended = catch_unwind(|| {
        run(|| {
            let ((socket, _peer), ends) = (pair(), spawn(|| ()));
            let same = Rc::clone(&socket);
            spawn(move || read(&socket, None));
            ends.join().unwrap();
            // Never begun, and in the place of the one that has ended: it goes after the one that waits,
            // and the socket goes with it.
            spawn(move || drop(same));
        });
    });
    let quiet = ended.is_ok();
    must(
        "`run` was over, and the socket of a fiber that waited went: without a panic",
        true,
        quiet,
    );
}

#[test]
fn a_socket_of_a_run_that_is_over_is_not_waited_for() {
    let (old, _peer) = run(pair);
    let came = run(move || {
        // It is at the place that the other one had.
        let (_new, _its_peer) = pair();
        let reader = spawn(move || read(&old, None).0);
        yield_now();
        match reader.is_finished() {
            true => reader.join().unwrap_or_else(|_| "a panic".into()),
            false => "no end".into(),
        }
    });
    must("read from a socket of a `run` that is over", "the error Other".to_owned(), came);
}

#[test]
fn those_that_are_told_of_first_go_on_first() {
    let log = run(|| {
        let log = Log::default();
        let mut peers = Vec::new();
        let mut fibers = Vec::new();
        for name in ["first", "second", "third"] {
            let ((socket, peer), log) = (pair(), Rc::clone(&log));
            peers.push(peer);
            fibers.push(spawn(move || {
                read(&socket, None);
                log.borrow_mut().push(name);
            }));
        }
        yield_now();
        peers.iter_mut().for_each(|peer| peer.write_all(b"x").unwrap());
        fibers.into_iter().for_each(|fiber| fiber.join().unwrap());
        log.take()
    });
    must("three sockets were sent to", vec!["first", "second", "third"], log);
}

#[test]
fn when_one_of_two_has_been_told_of_it_is_no_deadlock() {
    let ended = catch_unwind(|| {
        run(|| {
            let ((one, mut its_peer), (other, mut the_other)) = (pair(), pair());
            let reads = [one, other].map(|socket| spawn(move || read(&socket, None)));
            yield_now();
            its_peer.write_all(b"hello").unwrap();
            let [one, other] = reads;
            one.join().unwrap();
            let sends = thread::spawn(move || {
                thread::sleep(4 * A_MOMENT);
                let _ = the_other.write_all(b"hello");
            });
            other.join().unwrap();
            sends.join().unwrap();
        });
    });
    must("one of two had its bytes, those of the other came later: no panic", true, ended.is_ok());
}

#[test]
fn when_all_sockets_have_been_told_of_a_deadlock_is_still_seen() {
    let payload = catch_unwind(|| {
        run(|| {
            let (socket, mut peer) = pair();
            let reader = spawn(move || read(&socket, None));
            yield_now();
            peer.write_all(b"hello").unwrap();
            reader.join().unwrap();
            // Nobody resumes this one.
            spawn(fibers::fiber::suspend).join().unwrap();
        });
    });
    let payload = payload.expect_err("a panic");
    let words = payload.downcast_ref::<String>().cloned().unwrap_or_default();
    assert!(words.contains("a deadlock"), "expected a panic that says deadlock; got {words:?}");
}
