//! A read with no room: what it waits for, on sockets and on pipes.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

use blocking::read::{by_asm, by_libc, greeting, greeting_without_room};
use lab::doomed;

fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

/// What holds for both kinds of streams. The child of the test gets stuck in the middle of it.
fn waits_for_a_byte_or_the_end<S: Read + Write + AsRawFd>(test: &str, pair: fn() -> (S, S)) {
    let (mut client, mut server) = pair();
    let fd = client.as_raw_fd();
    // SAFETY: no byte is written, and the descriptor is open.
    let read = unsafe { libc::read(fd, [0_u8; 1].as_mut_ptr().cast(), 0) };
    assert_eq!(read, 0, "read(2) returns at once");
    let ended = doomed::child(test, || _ = client.read(&mut []));
    assert!(ended.how.hung_in("recvfrom"), "{ended}");

    server.write_all(b"!").unwrap();
    assert_eq!(client.read(&mut []).unwrap(), 0, "a byte ends the wait");
    assert_eq!(client.read(&mut [0; 1]).unwrap(), 1, "the byte is still there");
    drop(server);
    assert_eq!(client.read(&mut []).unwrap(), 0, "so does the end");
}

#[test]
fn recv_of_no_bytes_waits_for_a_byte_or_the_end_tcp() {
    waits_for_a_byte_or_the_end("recv_of_no_bytes_waits_for_a_byte_or_the_end_tcp", tcp);
}

#[test]
fn recv_of_no_bytes_waits_for_a_byte_or_the_end_unix_streams() {
    let test = "recv_of_no_bytes_waits_for_a_byte_or_the_end_unix_streams";
    waits_for_a_byte_or_the_end(test, || UnixStream::pair().unwrap());
}

#[test]
fn read_of_no_bytes_does_not_wait_by_hand_through_libc_and_from_a_pipe() {
    let (client, _server) = tcp();
    let (mut pipe, _writer) = io::pipe().unwrap();
    for (by_hand, libc) in [
        (by_asm(&client, &mut []), by_libc(&client, &mut [])),
        (by_asm(&pipe, &mut []), by_libc(&pipe, &mut [])),
    ] {
        assert_eq!((by_hand.unwrap(), libc.unwrap()), (0, 0));
    }
    assert_eq!(pipe.read(&mut []).unwrap(), 0, "std reads a pipe with read(2)");
}

#[test]
fn a_vector_with_capacity_is_no_room_and_its_read_looks_like_the_end() {
    let (client, mut server) = tcp();
    server.write_all(b"hello").unwrap();
    assert_eq!(greeting_without_room(&client).unwrap(), None);
    assert_eq!((&client).read(&mut [0; 64]).unwrap(), 5, "they are still there");
}

#[test]
fn a_vector_with_length_is_room_and_its_read_gets_the_greeting() {
    let (client, mut server) = tcp();
    server.write_all(b"hello").unwrap();
    assert_eq!(greeting(&client).unwrap().expect("no reply"), b"hello");
    drop(server);
    assert_eq!(greeting(&client).unwrap(), None);
}

#[test]
fn a_tokio_read_of_no_bytes_is_pending_until_there_is_one() {
    use tokio::io::AsyncReadExt;
    use tokio::net::UnixStream;

    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let test = "a_tokio_read_of_no_bytes_is_pending_until_there_is_one";
    let pair = || UnixStream::pair().unwrap();
    let ended = doomed::child(test, || {
        _ = runtime.block_on(async {
            let (mut client, _server) = pair();
            client.read(&mut []).await
        });
    });
    assert!(ended.how.hung_in("epoll_wait"), "{ended}");
    runtime.block_on(async {
        let (mut client, server) = pair();
        let mut server = server.into_std().unwrap();
        server.write_all(b"!").unwrap();
        assert_eq!(client.read(&mut []).await.unwrap(), 0);
        assert_eq!(client.read(&mut Vec::with_capacity(64)).await.unwrap(), 0);
        let mut room = Vec::with_capacity(64);
        assert_eq!(client.read_buf(&mut room).await.unwrap(), 1, "read_buf uses the capacity");
    });
}
