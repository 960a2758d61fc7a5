//! What the note *Blocking code that doesn't block* claims.

use std::io::{self, Read, Write};
use std::net::{self, SocketAddr};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use delayserver::Delayserver;
use fibers::{TcpStream, run, sleep, spawn, yield_now};
use lab::doomed::{self, Ending};

fn ask(mut server: impl Read + Write, path: &str) -> io::Result<String> {
    write!(server, "GET {path} HTTP/1.0\r\n\r\n")?;
    let mut reply = String::new();
    server.read_to_string(&mut reply)?;
    Ok(reply.rsplit("\r\n\r\n").next().unwrap_or_default().to_owned())
}

/// The first one waits longest.
const PATHS: [&str; 3] = ["/300/first", "/200/second", "/100/third"];

/// The replies of three fibers in the order in which they came, and how long that took.
fn three_fibers<S: Read + Write + 'static>(
    address: SocketAddr,
    connect: fn(SocketAddr) -> io::Result<S>,
) -> (Vec<String>, Duration) {
    let from = Instant::now();
    let heard = run(move || {
        let heard = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
        let asks = PATHS.map(|path| {
            let heard = std::rc::Rc::clone(&heard);
            spawn(move || {
                let reply = ask(connect(address).unwrap(), path).unwrap();
                heard.borrow_mut().push(reply);
            })
        });
        asks.into_iter().for_each(|ask| ask.join().unwrap());
        heard.take()
    });
    (heard, from.elapsed())
}

#[test]
fn the_same_function_takes_the_replies_as_they_come_on_fibers() {
    let server = Delayserver::start().unwrap();
    let (heard, together) = three_fibers(server.addr(), TcpStream::connect);
    assert_eq!(heard, ["third", "second", "first"]);
    let from = Instant::now();
    for path in PATHS {
        ask(net::TcpStream::connect(server.addr()).unwrap(), path).unwrap();
    }
    assert!(together < from.elapsed(), "{together:?}");
}

#[test]
fn with_std_s_sockets_the_same_fibers_ask_one_after_the_other() {
    let server = Delayserver::start().unwrap();
    let (heard, _) = three_fibers(server.addr(), net::TcpStream::connect);
    assert_eq!(heard, ["first", "second", "third"]);
}

#[test]
fn bytes_that_came_while_the_fiber_waited_for_something_else_are_read_without_an_event() {
    run(|| {
        let listener = net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        peer.write_all(b"hello").unwrap();
        // The kernel is asked meanwhile, and tells of the bytes; nobody waits for them.
        sleep(Duration::from_millis(20));
        let mut buffer = [0; 8];
        assert_eq!(stream.read(&mut buffer).unwrap(), 5);
    });
}

#[test]
fn a_lock_that_is_held_over_a_switch_stops_the_thread_for_ever() {
    if lab::measure::emulated() {
        return println!("skipped: a program for another processor cannot start itself again");
    }
    let ended =
        doomed::child("a_lock_that_is_held_over_a_switch_stops_the_thread_for_ever", || {
            run(|| {
                let lock = std::rc::Rc::new(Mutex::new(()));
                let other = std::rc::Rc::clone(&lock);
                let holds = spawn(move || {
                    let _guard = other.lock();
                    yield_now();
                });
                yield_now();
                drop(lock.lock());
                holds.join().unwrap();
            });
        });
    assert!(matches!(ended.how, Ending::Hung(_)) && ended.how.hung_in("futex"), "{ended}");
}
