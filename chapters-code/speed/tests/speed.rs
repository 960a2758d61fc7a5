//! What the note on the cost of an event claims: counts, no times.

use std::env;
use std::io;
use std::net::TcpStream;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::{self, net::SocketAddr};
use std::process::{Command, Stdio, id};
use std::time::Duration;

use lab::doomed::{self, Ended, Ending};
use lab::measure::marked;
use speed::{CONTENDERS, Contender, Idle, Mio, MyMio, Queue, Ring};
use speed::{calls, connected, contest, cores, named, room_for};

#[global_allocator]
static COUNTED: speed::Counted = speed::Counted;

/// The system calls for 1,000 requests, counted in this binary started again with one test.
fn calls(name: &str, connections: usize) -> u64 {
    let mut again = Command::new(env::current_exe().unwrap());
    again.args(["the_server_whose_calls_are_counted", "--exact", "--test-threads=1"]);
    calls::for_1000_requests(again, named(name).unwrap(), connections).unwrap()
}

/// No test, unless this process was started by [`calls`].
#[test]
fn the_server_whose_calls_are_counted() {
    calls::played().unwrap();
}

fn no_trace() -> bool {
    calls::refused().inspect(|why| println!("\nskipped: {why}")).is_some()
}

fn no_ring() -> bool {
    Ring::refused().inspect(|why| println!("\nskipped: {why}")).is_some()
}

#[test]
fn a_request_at_one_connection_takes_three_system_calls_on_mio_my_mio_and_bare_epoll() {
    if !no_trace() {
        let counted = ["bare epoll", "mio", "my-mio"].map(|name| calls(name, 1));
        assert_eq!(counted, [3_000; 3], "system calls for 1,000 requests");
    }
}

#[test]
fn n_requests_at_once_take_two_system_calls_each_and_one_for_all() {
    if no_trace() || !room_for(400).unwrap() {
        return;
    }
    for connections in [10, 100] {
        let counted = ["bare epoll", "mio", "my-mio"].map(|name| calls(name, connections));
        let expected = 2_000 + 1_000 / connections as u64;
        assert_eq!(counted, [expected; 3], "system calls for 1,000 requests");
    }
}

#[test]
fn my_mio_makes_no_more_system_calls_than_mio() {
    if !no_trace() {
        for connections in [1, 2, 64] {
            let (mine, mios) = (calls("my-mio", connections), calls("mio", connections));
            assert!(mine <= mios, "{mine} for 1,000 requests, and mio {mios}");
        }
    }
}

#[test]
fn a_thread_that_reads_makes_two_system_calls_and_a_ring_makes_one() {
    if no_trace() {
        return;
    }
    assert_eq!(calls("read(2)", 1), 2_000);
    if !no_ring() {
        assert_eq!(calls("io_uring", 1), 1_000, "system calls for 1,000 requests");
    }
}

#[test]
fn polling_makes_more_system_calls_than_mio_and_fewer_with_edges() {
    if no_trace() || !room_for(400).unwrap() {
        return;
    }
    // Each wait of polling has four more calls than mio's; without edges each event has one more.
    for (connections, more_waits) in [(1, 4_000), (100, 40)] {
        let [mio, edges, once] =
            ["mio", "polling, edges", "polling"].map(|name| calls(name, connections));
        assert!(mio < edges && edges < once, "{edges} and {once} for 1,000 requests");
        assert_eq!((edges, once), (mio + more_waits, edges + 1_000));
    }
}

#[test]
fn an_event_allocates_nothing_once_warm() {
    passes(doomed::child("an_event_allocates_nothing_once_warm", || {
        let core = *cores().unwrap().last().unwrap();
        for Contender { name, start, .. } in CONTENDERS.iter().filter(|one| one.many) {
            let mut session = start(16, core).unwrap();
            session.ask(160).unwrap();
            let before = speed::allocations();
            session.ask(1_000).unwrap();
            let allocated = speed::allocations() - before;
            assert_eq!(allocated, 0, "{name} allocated for 1,000 requests and replies");
        }
    }));
}

#[test]
fn an_idle_registration_takes_nothing_from_the_heap() {
    passes(doomed::child("an_idle_registration_takes_nothing_from_the_heap", || {
        let idle = Idle::new(500).unwrap();
        for name in ["mio", "my-mio"] {
            let (one, _kept) = named(name).unwrap().register.unwrap()(&idle, 5_000).unwrap();
            assert_eq!(one.heap, 0, "{name}: {one:?}");
        }
        // Sockets, and to the byte: a list that they keep would be seen, and one byte of it.
        assert_eq!([taken_by_sockets::<Mio>(), taken_by_sockets::<MyMio>()], [(0, 0); 2]);
    }));
}

/// The bytes that 100 registered sockets take from the heap, and how often they asked for some.
fn taken_by_sockets<Q: Queue>() -> (u64, u64) {
    let mut queue = Q::new(1).unwrap();
    let (ours, _theirs) = connected(100).unwrap();
    let mut kept = Vec::with_capacity(100);
    let before = (speed::allocated(), speed::allocations());
    let mut ours = ours.into_iter();
    for (key, stream) in ours.by_ref().enumerate() {
        kept.push(queue.watch(stream, key).unwrap());
    }
    (speed::allocated() - before.0, speed::allocations() - before.1)
}

#[test]
fn a_socket_of_mio_and_of_my_mio_knows_its_registry_in_debug_builds_alone() {
    let bytes = if cfg!(debug_assertions) { 16 } else { 4 };
    assert_eq!(size_of::<mio::net::TcpStream>(), bytes);
    assert_eq!(size_of::<my_mio::net::TcpStream>(), bytes);
}

/// Makes some kind of socket, with mio or with my-mio.
type Making = fn() -> io::Result<()>;

/// What one of the two crates makes.
macro_rules! made_by {
    ($this:ident) => {{
        use $this::net::{TcpListener, UdpSocket, UnixListener, UnixStream};
        let making: [(&str, Making); 6] = [
            ("TCP listener", || TcpListener::bind(any()).map(drop)),
            ("UDP socket", || UdpSocket::bind(any()).map(drop)),
            ("Unix pair", || UnixStream::pair().map(drop)),
            ("pipe", || $this::unix::pipe::new().map(drop)),
            ("accepted TCP stream", || {
                let listener = TcpListener::bind(any())?;
                let _client = TcpStream::connect(listener.local_addr()?)?;
                marked(|| listener.accept()).map(drop)
            }),
            ("accepted Unix stream", || {
                let address = SocketAddr::from_abstract_name(format!("speed-{}", id()))?;
                let listener = UnixListener::bind_addr(&address)?;
                let _client = unix::net::UnixStream::connect_addr(&address)?;
                marked(|| listener.accept()).map(drop)
            }),
        ];
        making
    }};
}

fn any() -> std::net::SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

const MADE: &str = "SPEED_MADE";

/// No test, unless this process was started by the next.
#[test]
fn the_process_that_makes_sockets() {
    let Ok(told) = env::var(MADE) else { return };
    let (whose, what) = told.split_once(' ').unwrap();
    let making = if whose == "mio" { made_by!(mio) } else { made_by!(my_mio) };
    let (name, make) = making.into_iter().find(|(name, _)| *name == what).unwrap();
    // An accept marks itself, as a listener comes before it.
    if name.starts_with("accepted") { make() } else { marked(make) }.unwrap();
}

#[test]
fn making_a_socket_takes_my_mio_up_to_two_calls_more() {
    if no_trace() {
        return;
    }
    let made = |whose: &str, what: &str| {
        let mut again = Command::new(env::current_exe().unwrap());
        again.args(["the_process_that_makes_sockets", "--exact", "--test-threads=1"]);
        again.env(MADE, format!("{whose} {what}")).stdout(Stdio::null());
        calls::count(again).unwrap()
    };
    for (what, _) in made_by!(mio) {
        let (mine, mios) = (made("my-mio", what), made("mio", what));
        println!("{what}: {mine}, and mio {mios}");
        assert!((mios..=mios + 2).contains(&mine), "{what}: {mine}, and mio {mios}");
        assert!(what != "accepted TCP stream" || mine == mios, "{mine}, and mio {mios}");
    }
}

#[test]
fn an_allocation_is_counted() {
    let before = speed::allocations();
    drop(std::hint::black_box(Box::new(1)));
    assert!(speed::allocations() > before);
}

#[test]
fn all_take_part_in_a_contest_and_answer_everything() {
    passes(doomed::child("all_take_part_in_a_contest_and_answer_everything", || {
        let all = CONTENDERS.iter().filter(|one| one.name != "io_uring" || !no_ring());
        let all: Vec<&Contender> = all.collect();
        let effort = speed::Effort { time: Duration::ZERO, requests: 50 };
        let free = cores().unwrap();
        let outcome = contest(&all, 1, effort).unwrap();
        assert_eq!(cores().unwrap(), free, "the next contest has fewer cores");
        assert_eq!(outcome.lines.len(), all.len());
        for line in &outcome.lines {
            // At one connection each request is waited for; the last wait of a round may be counted
            // in the next.
            assert!((900..=1_100).contains(&line.waits), "{}\n{outcome}", line.name);
        }
        assert_eq!(outcome.lines[0].elapsed, [100; 3], "compared with itself\n{outcome}");
    }));
}

#[test]
fn connections_are_paired_in_order() {
    let (ours, theirs) = connected(3).unwrap();
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours.local_addr().unwrap(), theirs.peer_addr().unwrap());
    }
}

fn passes(ended: Ended) {
    print!("\n{}", ended.stdout);
    assert!(ended.how == Ending::Passed, "{ended}");
}
