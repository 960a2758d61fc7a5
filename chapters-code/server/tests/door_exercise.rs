//! What the loop that accepts owes those at its door. Each message says what happened and what had to
//! follow. No test sleeps: accept(2) and epoll_wait(2) of this program are the ones below, which say what
//! a test wants them to say, and keep a diary.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::{SocketAddr, TcpStream};

use my_mio::Token;
use my_mio::net::TcpListener;
use server::{Clients, Door, Server, Service, Turn};

/// More calls than any test here needs. After them there is room, and there are no more waits.
const MANY: usize = 200;

thread_local! {
    static WORLD: RefCell<World> = RefCell::default();
}

#[derive(Default)]
struct World {
    diary: Vec<String>,
    /// What the next accepts say: an error of accept(2), or nothing where the kernel may answer.
    accepts: VecDeque<Option<i32>>,
    /// While this is so, no descriptor is left.
    is_full: bool,
    /// How many sleeps of 100 ms it is until a descriptor is free again.
    free_after: Option<usize>,
}

fn world<T>(change: impl FnOnce(&mut World) -> T) -> T {
    WORLD.with_borrow_mut(change)
}

fn wrote(words: impl Into<String>) {
    world(|world| world.diary.push(words.into()));
}

fn fails(errno: i32) -> i32 {
    // SAFETY: the place of errno is this thread's own.
    unsafe { *libc::__errno_location() = errno };
    -1
}

/// In the place of the one in libc, which the linker takes only where a program has none.
///
/// # Safety
/// As of accept4(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn accept4(
    listener: i32,
    address: *mut libc::sockaddr,
    len: *mut libc::socklen_t,
    flags: i32,
) -> i32 {
    let says = world(|world| {
        let full = (world.is_full && world.diary.len() < MANY).then_some(libc::EMFILE);
        full.or_else(|| world.accepts.pop_front().flatten())
    });
    if let Some(errno) = says {
        wrote(format!("accept fails with {}", name(errno)));
        return fails(errno);
    }
    // SAFETY: the caller keeps the promises of accept4(2).
    let accepted = unsafe { libc::syscall(libc::SYS_accept4, listener, address, len, flags) };
    if accepted >= 0 {
        wrote("accepted one");
    }
    accepted as i32
}

/// Never sleeps. A wait for nothing that has no end fails, so that the server under test stops.
///
/// # Safety
/// As of epoll_wait(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn epoll_wait(
    epoll: i32,
    events: *mut libc::epoll_event,
    most: i32,
    timeout: i32,
) -> i32 {
    // SAFETY: the caller keeps the promises of epoll_wait(2), and no mask is the same call.
    let now = unsafe { libc::epoll_pwait(epoll, events, most, 0, std::ptr::null()) };
    if now != 0 {
        return now;
    }
    match timeout {
        -1 => wrote("asleep for good"),
        0 => wrote("did not sleep"),
        _ => wrote(format!("slept {timeout} ms")),
    }
    let is_over = world(|world| {
        match &mut world.free_after {
            Some(0) => world.is_full = false,
            Some(sleeps) if timeout > 0 => *sleeps -= 1,
            _ => {}
        }
        timeout == -1 || world.diary.len() > MANY
    });
    if is_over { fails(libc::EBADF) } else { 0 }
}

/// A door, and who has come to it.
fn door(clients: usize) -> (Door, Vec<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let clients = come(listener.local_addr().unwrap(), clients);
    (Door::new(listener), clients)
}

fn come(to: SocketAddr, clients: usize) -> Vec<TcpStream> {
    (0..clients).map(|_| TcpStream::connect(to).unwrap()).collect()
}

/// Accepts, and says what came of it.
fn accept(door: &mut Door) -> String {
    let mut welcomed = Vec::new();
    let accepted = door.accept_all(|stream| welcomed.push(stream));
    let waits = if door.somebody_waits { "somebody may wait" } else { "nobody waits" };
    match accepted {
        Ok(()) => format!("{} accepted, {waits}", welcomed.len()),
        Err(error) => format!("{} accepted, {waits}, and {}", welcomed.len(), told(&error)),
    }
}

fn told(error: &std::io::Error) -> String {
    error.raw_os_error().map_or(format!("the error {:?}", error.kind()), |errno| {
        format!("the error {}", name(errno))
    })
}

fn name(errno: i32) -> String {
    use libc::{
        EAGAIN, EBADF, ECONNABORTED, EHOSTUNREACH, EINTR, EINVAL, EMFILE, ENFILE, ENOMEM, EPROTO,
    };
    let names = [
        (EAGAIN, "EAGAIN"),
        (EBADF, "EBADF"),
        (ECONNABORTED, "ECONNABORTED"),
        (EHOSTUNREACH, "EHOSTUNREACH"),
        (EINTR, "EINTR"),
        (EINVAL, "EINVAL"),
        (EMFILE, "EMFILE"),
        (ENFILE, "ENFILE"),
        (ENOMEM, "ENOMEM"),
        (EPROTO, "EPROTO"),
    ];
    let known = names.iter().find(|(known, _)| errno == *known);
    known.map_or(errno.to_string(), |(_, name)| (*name).to_owned())
}

#[track_caller]
fn must(what: &str, right: &str, told: &str) {
    assert!(told == right, "{what}: expected {right}; got {told}");
}

#[test]
fn everybody_who_waits_is_accepted() {
    let (mut door, _clients) = door(100);
    must("100 wait", "100 accepted, nobody waits", &accept(&mut door));
    must("nobody waits", "0 accepted, nobody waits", &accept(&mut door));
}

#[test]
fn what_is_wrong_with_one_client_ends_that_client_alone() {
    use libc::{ECONNABORTED, EHOSTUNREACH, EINTR, EPROTO};
    for errors in [[ECONNABORTED, EPROTO], [EINTR, EHOSTUNREACH]] {
        let (mut door, _clients) = door(3);
        let [first, second] = errors.map(Some);
        world(|world| world.accepts = [first, None, second, None, first].into());
        let told = accept(&mut door);
        must("3 wait, and 3 more have gone", "3 accepted, nobody waits", &told);
    }
}

#[test]
fn out_of_descriptors_the_door_knows_that_somebody_may_wait() {
    for errno in [libc::EMFILE, libc::ENFILE, libc::ENOMEM] {
        let (mut door, _clients) = door(3);
        world(|world| world.accepts = [None, Some(errno)].into());
        let told = accept(&mut door);
        let what = "3 wait, and after one there is no descriptor or memory";
        must(what, "1 accepted, somebody may wait", &told);
        must("some are free again", "2 accepted, nobody waits", &accept(&mut door));
    }
}

#[test]
fn out_of_descriptors_the_door_asks_once() {
    let (mut door, _clients) = door(3);
    world(|world| world.is_full = true);
    let told = accept(&mut door);
    must("3 wait, and no descriptor is left", "0 accepted, somebody may wait", &told);
    let asked = world(|world| world.diary.len());
    assert!(asked == 1, "no descriptor is left: expected to ask once; asked {asked} times");
}

#[test]
fn an_error_of_the_listener_is_told() {
    for (errno, name) in [(libc::EBADF, "EBADF"), (libc::EINVAL, "EINVAL")] {
        let (mut door, _clients) = door(2);
        world(|world| world.accepts = [None, Some(errno)].into());
        let right = format!("1 accepted, nobody waits, and the error {name}");
        must("2 wait, and after one the listener fails", &right, &accept(&mut door));
    }
}

#[test]
fn an_error_of_the_listener_is_no_reason_to_remember_anybody() {
    let (mut door, _clients) = door(2);
    world(|world| world.accepts = [Some(libc::EMFILE), Some(libc::EBADF)].into());
    must("2 wait, and no descriptor is left", "0 accepted, somebody may wait", &accept(&mut door));
    let right = "0 accepted, nobody waits, and the error EBADF";
    must("then the listener fails", right, &accept(&mut door));
}

/// Closes clients in turns, and says as often as it was told that it has not finished.
struct Script {
    /// In the turn of the first the second is closed.
    closes: &'static [(usize, usize)],
    unfinished: usize,
}

impl Service for Script {
    fn turn(&mut self, token: Token, clients: &mut Clients) -> Turn {
        wrote(format!("turn of {}", token.0));
        for (_, closed) in self.closes.iter().filter(|(turn, _)| Token(*turn) == token) {
            if clients.remove(&Token(*closed)).is_some() {
                world(|world| world.is_full = false);
            }
        }
        let turns = format!("turn of {}", token.0);
        let had = world(|world| world.diary.iter().filter(|entry| **entry == turns).count());
        if had <= self.unfinished { Turn::Unfinished } else { Turn::Waits }
    }
}

/// Runs a server until it sleeps for good; what it did.
fn diary(clients: usize, script: Script, before: impl FnOnce(&mut World)) -> Vec<String> {
    let mut server = Server::bind("127.0.0.1:0".parse().unwrap(), script).unwrap();
    let _clients = come(server.address().unwrap(), clients);
    world(before);
    let ended = server.run().expect_err("a server serves for ever");
    if ended.raw_os_error() != Some(libc::EBADF) {
        wrote(format!("ended with {}", told(&ended)));
    }
    world(|world| world.diary.clone())
}

/// What the server must have done. Only where it did something else is the message about.
#[track_caller]
fn must_do(what: &str, right: &[&str], did: &[String]) {
    let same = right.iter().zip(did).take_while(|(right, did)| right == did).count();
    let [right, did] = [right.get(same).copied(), did.get(same).map(String::as_str)]
        .map(|next| next.unwrap_or("nothing more"));
    let before = world(|world| world.diary.get(same.wrapping_sub(1)).cloned());
    let after = before.map_or("first".to_owned(), |before| format!("after `{before}`"));
    must(what, &format!("{after}: {right}"), &format!("{after}: {did}"));
}

/// What an accept without a descriptor says.
const FULL: Option<i32> = Some(libc::EMFILE);
const REFUSED: &str = "accept fails with EMFILE";

#[test]
fn who_waits_is_accepted_as_soon_as_a_client_is_closed() {
    let script = Script { closes: &[(1, 1), (2, 2)], unfinished: 0 };
    // Out of descriptors after the first; its place is free when it is closed.
    let did = diary(2, script, |world| world.accepts = [None, FULL, FULL].into());
    let right = [
        "accepted one",
        REFUSED,
        REFUSED,
        "turn of 1",
        "accepted one",
        "turn of 2",
        "asleep for good",
    ];
    must_do("2 clients, one descriptor, each client is closed at its turn", &right, &did);
}

#[test]
fn who_waits_is_accepted_as_soon_as_another_client_is_closed() {
    let script = Script { closes: &[(1, 2)], unfinished: 0 };
    let did = diary(3, script, |world| world.accepts = [None, None, FULL, FULL].into());
    let right = [
        "accepted one",
        "accepted one",
        REFUSED,
        REFUSED,
        "turn of 1",
        "accepted one",
        "turn of 2",
        "turn of 3",
        "asleep for good",
    ];
    must_do("3 clients, 2 descriptors, the turn of 1 closes 2", &right, &did);
}

#[test]
fn who_waits_is_accepted_although_the_turn_is_not_finished() {
    let script = Script { closes: &[(1, 2)], unfinished: 1 };
    let did = diary(3, script, |world| world.accepts = [None, None, FULL, FULL].into());
    let right = [
        "accepted one",
        "accepted one",
        REFUSED,
        REFUSED,
        "turn of 1",
        "accepted one",
        "turn of 2",
        "turn of 1",
        "turn of 2",
        "turn of 3",
        "did not sleep",
        "turn of 3",
        "asleep for good",
    ];
    let what = "3 clients, 2 descriptors, the turn of 1 closes 2 and is not finished";
    must_do(what, &right, &did);
}

#[test]
fn an_error_of_the_listener_after_a_close_ends_the_server() {
    let script = Script { closes: &[(1, 1)], unfinished: 0 };
    let did = diary(2, script, |world| {
        world.accepts = [None, FULL, FULL, Some(libc::EINVAL)].into();
    });
    let right = [
        "accepted one",
        REFUSED,
        REFUSED,
        "turn of 1",
        "accept fails with EINVAL",
        "ended with the error EINVAL",
    ];
    must_do("2 clients, one descriptor, and when 1 is closed the listener fails", &right, &did);
}

#[test]
fn while_nobody_is_closed_nobody_asks_at_the_door() {
    let script = Script { closes: &[], unfinished: 0 };
    let did = diary(3, script, |world| world.accepts = [None, None, FULL, FULL].into());
    let right = [
        "accepted one",
        "accepted one",
        REFUSED,
        REFUSED,
        "turn of 1",
        "turn of 2",
        "slept 100 ms",
        "accepted one",
        "turn of 3",
        "asleep for good",
    ];
    must_do("3 clients, 2 descriptors, and no turn closes anybody", &right, &did);
}

#[test]
fn who_has_not_finished_has_another_turn_without_an_event() {
    let script = Script { closes: &[], unfinished: 2 };
    let did = diary(1, script, |_| {});
    let right = [
        "accepted one",
        "turn of 1",
        "did not sleep",
        "turn of 1",
        "did not sleep",
        "turn of 1",
        "asleep for good",
    ];
    must_do("a client that has not finished after 2 turns", &right, &did);
}

#[test]
fn those_who_have_not_finished_take_turns() {
    let script = Script { closes: &[], unfinished: 1 };
    let did = diary(2, script, |_| {});
    let right = [
        "accepted one",
        "accepted one",
        "turn of 1",
        "turn of 2",
        "did not sleep",
        "turn of 1",
        "turn of 2",
        "asleep for good",
    ];
    must_do("2 clients that have not finished after a turn", &right, &did);
}

#[test]
fn while_somebody_waits_the_server_looks_ten_times_a_second() {
    let script = Script { closes: &[], unfinished: 0 };
    let did = diary(1, script, |world| {
        (world.is_full, world.free_after) = (true, Some(2));
    });
    let right = [
        REFUSED,
        "slept 100 ms",
        REFUSED,
        "slept 100 ms",
        REFUSED,
        "slept 100 ms",
        "accepted one",
        "turn of 1",
        "asleep for good",
    ];
    must_do("1 client, and no descriptor for a while", &right, &did);
}

#[test]
fn nobody_sleeps_beside_an_unfinished_client_although_somebody_waits() {
    let script = Script { closes: &[], unfinished: 1 };
    let did = diary(2, script, |world| world.accepts = [None, FULL, FULL, FULL].into());
    let right = [
        "accepted one",
        REFUSED,
        REFUSED,
        "turn of 1",
        "did not sleep",
        REFUSED,
        "turn of 1",
        "slept 100 ms",
        "accepted one",
        "turn of 2",
        "did not sleep",
        "turn of 2",
        "asleep for good",
    ];
    let what = "2 clients, one descriptor for a while, and a turn is not enough";
    must_do(what, &right, &did);
}
