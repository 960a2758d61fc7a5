//! What the note *The write side* claims of writers that keep their place: alone, both ways at once,
//! and with a bound.

mod common;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;

use common::{BUFFER, WAITS, message, wakes};
use edges::{BOUND, Epoll, FOREVER, Incoming, LEVEL, Outgoing, echo, narrow_pair, send_all};
use lab::doomed::{self, Ending};
use tokio::io::AsyncWriteExt;

/// Milliseconds to wait for an event that is there: everything that causes it has happened.
const A_WHILE: i32 = 50;

#[test]
fn with_an_offset_every_byte_arrives_once_and_in_order() {
    let (mut client, mut server) = narrow_pair(BUFFER).unwrap();
    let epoll = Epoll::watching(&client, LEVEL).unwrap();
    let writer = std::fs::read_link("/proc/thread-self").unwrap();
    let peer = thread::spawn(move || {
        // A reader that keeps pace would leave the writer nothing to wait for.
        while !sleeps(&writer) {
            thread::yield_now();
        }
        let mut received = Vec::new();
        server.read_to_end(&mut received).unwrap();
        received
    });

    let (mut out, mut inbox) = (Outgoing::new(message()), Incoming::default());
    send_all(&epoll, &mut client, &mut out, &mut inbox).unwrap();
    drop(client);

    let (received, message) = (peer.join().unwrap(), message());
    assert!(received.len() >= message.len(), "the tail is missing");
    assert!(received == message, "the bytes are not those of the message");
}

/// Whether a thread, named by its folder below `/proc`, waits for something.
fn sleeps(thread: &Path) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(thread).join("stat")).unwrap();
    let (_, after_name) = stat.rsplit_once(") ").unwrap();
    after_name.starts_with('S')
}

#[test]
fn a_writer_with_nothing_unsent_lets_the_loop_sleep() {
    let (mut client, _server) = narrow_pair(BUFFER).unwrap();
    let epoll = Epoll::watching(&client, LEVEL).unwrap();
    let (mut out, mut inbox) = (Outgoing::new(b"hello".to_vec()), Incoming::default());
    send_all(&epoll, &mut client, &mut out, &mut inbox).unwrap();

    let wakes = wakes(&epoll);

    assert_eq!(wakes, 0, "an idle connection woke the loop at {wakes} of {WAITS} waits");
}

/// Sends and receives on blocking sockets, on a thread for each end: nobody reads before all is sent.
#[test]
fn two_peers_that_send_before_they_read_wait_for_ever() {
    let name = "two_peers_that_send_before_they_read_wait_for_ever";
    let ended = doomed::child(name, || {
        let (client, server) = UnixStream::pair().unwrap();
        let send_then_read = |mut end: UnixStream| {
            end.write_all(&message()).unwrap();
            end.read_exact(&mut vec![0; message().len()]).unwrap();
        };
        let peer = thread::spawn(move || send_then_read(server));
        send_then_read(client);
        peer.join().unwrap();
    });
    let Ending::Hung(asleep) = &ended.how else { panic!("{ended:?}") };
    let sending = asleep.iter().filter(|thread| thread.call == "sendto");
    assert_eq!(sending.count(), 2, "{ended:?}");
}

#[test]
fn two_peers_that_take_what_comes_while_they_send_both_finish() {
    let (client, server) = UnixStream::pair().unwrap();
    let exchange = |mut end: UnixStream| {
        end.set_nonblocking(true).unwrap();
        let epoll = Epoll::watching(&end, LEVEL).unwrap();
        let message = message();
        let (mut out, mut inbox) = (Outgoing::new(message.clone()), Incoming::default());
        send_all(&epoll, &mut end, &mut out, &mut inbox).unwrap();
        while inbox.bytes.len() < message.len() {
            assert_ne!(epoll.wait(FOREVER).unwrap() & LEVEL, 0, "reading is still asked for");
            inbox.take(&mut end).unwrap();
        }
        assert!(inbox.bytes == message, "the bytes are not those of the message");
    };
    let peer = thread::spawn(move || exchange(server));
    exchange(client);
    peer.join().unwrap();
}

#[test]
fn after_send_all_an_answer_is_reported() {
    let (mut client, mut server) = narrow_pair(BUFFER).unwrap();
    let epoll = Epoll::watching(&client, LEVEL).unwrap();
    let (mut out, mut inbox) = (Outgoing::new(b"hello".to_vec()), Incoming::default());
    send_all(&epoll, &mut client, &mut out, &mut inbox).unwrap();
    server.read_exact(&mut [0; 5]).unwrap();
    server.write_all(b"hello yourself").unwrap();
    assert_eq!(epoll.wait(A_WHILE).unwrap(), LEVEL);
}

/// The peer sends no more and reads slowly: its end is not reported again at each wait.
#[test]
fn a_peer_that_has_ended_does_not_keep_send_all_awake() {
    let (mut client, server) = narrow_pair(BUFFER).unwrap();
    let epoll = Epoll::watching(&client, LEVEL).unwrap();
    server.shutdown(std::net::Shutdown::Write).unwrap();
    let writer = std::fs::read_link("/proc/thread-self").unwrap();
    let peer = thread::spawn(move || {
        while !sleeps(&writer) {
            thread::yield_now();
        }
        let mut received = Vec::new();
        (&server).read_to_end(&mut received).unwrap();
        received.len()
    });
    let (mut out, mut inbox) = (Outgoing::new(message()), Incoming::default());
    send_all(&epoll, &mut client, &mut out, &mut inbox).unwrap();
    assert!(inbox.ended);
    drop(client);
    assert_eq!(peer.join().unwrap(), message().len());
}

/// A client that sends and does not read, until the server has stopped reading too.
#[test]
fn an_echo_holds_at_most_its_bound_for_a_client_that_does_not_read() {
    let (mut server, mut client) = UnixStream::pair().unwrap();
    server.set_nonblocking(true).unwrap();
    let epoll = Epoll::watching(&server, LEVEL).unwrap();
    let most = thread::spawn(move || echo(&epoll, &mut server).unwrap());
    client.set_nonblocking(true).unwrap();
    let (mut sent, mut out) = (0, Outgoing::new(message()));
    // Until the client can send no more for a while, which the echo's bound brings about.
    while !out.unsent().is_empty() {
        out.flush(&mut client).unwrap();
        if sent == out.unsent().len() {
            break;
        }
        sent = out.unsent().len();
        thread::sleep(std::time::Duration::from_millis(300));
    }
    client.set_nonblocking(false).unwrap();
    let mut reader = client.try_clone().unwrap();
    let received = thread::spawn(move || {
        let mut received = Vec::new();
        reader.read_to_end(&mut received).unwrap();
        received
    });
    client.write_all(out.unsent()).unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    let most = most.join().unwrap();
    assert!(received.join().unwrap() == message(), "the echo is not what was sent");
    assert!(most <= BOUND + 4096, "{most} bytes were unsent, and the bound is {BOUND}");
}

/// Dropped in the middle, `write_all` takes the place that it had reached with it.
#[test]
fn a_write_all_of_tokio_that_is_dropped_has_sent_a_part() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, mut server) = narrow_pair(BUFFER).unwrap();
        let mut client = tokio::net::TcpStream::from_std(client).unwrap();
        let late = std::time::Duration::from_millis(50);
        let message = message();
        tokio::time::timeout(late, client.write_all(&message)).await.unwrap_err();
        drop(client);
        let mut received = Vec::new();
        server.read_to_end(&mut received).unwrap();
        assert!(!received.is_empty() && received.len() < message.len(), "{}", received.len());
    });
}
