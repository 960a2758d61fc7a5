//! The sockets of the fibers: what waits, what times out, and what is refused.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use fibers::{TcpListener, TcpStream, run, spawn, yield_now};

const HERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

#[test]
fn straight_line_code_serves_and_asks_on_one_thread() {
    let heard = run(|| {
        let listener = TcpListener::bind(HERE).unwrap();
        let address = listener.local_addr().unwrap();
        spawn(move || {
            loop {
                let (mut peer, _) = listener.accept().unwrap();
                spawn(move || {
                    let mut line = [0; 5];
                    peer.read_exact(&mut line).unwrap();
                    peer.write_all(&line).unwrap();
                });
            }
        });
        let asks = |line: &'static [u8; 5]| {
            spawn(move || {
                let mut server = TcpStream::connect(address).unwrap();
                server.write_all(line).unwrap();
                let mut heard = String::new();
                server.read_to_string(&mut heard).unwrap();
                heard
            })
        };
        let (one, two) = (asks(b"one.."), asks(b"two.."));
        (one.join().unwrap(), two.join().unwrap())
    });
    assert_eq!(heard, ("one..".into(), "two..".into()));
}

#[test]
fn one_fiber_reads_a_stream_while_another_writes_it() {
    let (sent, received) = (1 << 20, 1 << 20);
    let total = run(move || {
        let listener = TcpListener::bind(HERE).unwrap();
        let address = listener.local_addr().unwrap();
        let echo = spawn(move || {
            let (peer, _) = listener.accept().unwrap();
            std::io::copy(&mut &peer, &mut &peer).unwrap();
        });
        let stream = Rc::new(TcpStream::connect(address).unwrap());
        let writer = Rc::clone(&stream);
        let writes = spawn(move || {
            (&*writer).write_all(&vec![7; sent]).unwrap();
            writer.shutdown(std::net::Shutdown::Write).unwrap();
        });
        let mut all = Vec::new();
        (&*stream).read_to_end(&mut all).unwrap();
        writes.join().unwrap();
        echo.join().unwrap();
        all.len()
    });
    assert_eq!(total, received);
}

#[test]
fn what_takes_too_long_times_out_and_what_is_refused_is_an_error() {
    run(|| {
        let listener = TcpListener::bind(HERE).unwrap();
        let address = listener.local_addr().unwrap();
        let mut silent = TcpStream::connect(address).unwrap();
        silent.set_read_timeout(Some(Duration::from_millis(20)));
        let error = silent.read(&mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        drop(listener);
        let error = TcpStream::connect(address).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn fibers_that_yield_to_each_other_do_not_keep_those_that_wait_for_sockets() {
    if lab::measure::emulated() {
        return println!("skipped: a program for another processor cannot start itself again");
    }
    let test = "fibers_that_yield_to_each_other_do_not_keep_those_that_wait_for_sockets";
    let ended = lab::doomed::child(test, || {
        run(|| {
            let listener = TcpListener::bind(HERE).unwrap();
            let address = listener.local_addr().unwrap();
            let (waits, waited) = std::sync::mpsc::channel();
            for _ in 0..2 {
                let waits = waits.clone();
                spawn(move || {
                    // Its first turn comes when the one that accepts has begun to wait.
                    waits.send(()).unwrap();
                    loop {
                        yield_now();
                    }
                });
            }
            let client = std::thread::spawn(move || {
                waited.recv().unwrap();
                std::net::TcpStream::connect(address).unwrap()
            });
            listener.accept().unwrap();
            client.join().unwrap();
        });
    });
    assert_eq!(ended.how, lab::doomed::Ending::Passed, "{ended}");
}

#[test]
fn a_socket_of_one_run_is_an_error_in_another_and_outside() {
    let outside = TcpListener::bind(HERE).unwrap_err();
    assert!(outside.to_string().contains("outside of `fibers::run`"), "{outside}");
    let listener = run(|| TcpListener::bind(HERE).unwrap());
    let error = run(move || listener.accept().unwrap_err());
    assert!(error.to_string().contains("that has ended"), "{error}");
}
