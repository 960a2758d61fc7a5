//! How a server in this process ends.

use crate::client::{AGES, Client, DEADLINE, eventually};
use delayserver::Delayserver;
use std::net::TcpStream;
use std::time::Instant;

#[test]
fn stop_lets_a_waiting_request_finish() {
    let server = Delayserver::start().expect("start");
    let mut client = Client::connect(server.addr());
    client.get("/500/in-flight");
    eventually("the request waits", || server.waiting() == 1);
    server.stop();
    let reply = client.reply();
    assert_eq!((reply.status, reply.body.as_str()), (200, "in-flight"));
    assert_eq!(client.rest(), "", "and closes the connection");
}

#[test]
fn stop_waits_for_no_connection_that_is_merely_open() {
    let server = Delayserver::start().expect("start");
    let mut silent = Client::connect(server.addr());
    let mut idle = Client::connect(server.addr());
    idle.ask("GET", "/0/served");
    let mut half_sent = Client::connect(server.addr());
    half_sent.send("GET /0/half HTT");
    // Connections are accepted in order: when the last one is served, all are the server's.
    Client::connect(server.addr()).ask("GET", "/0/last");

    let start = Instant::now();
    server.stop();
    assert!(start.elapsed() < DEADLINE);
    for client in [&mut silent, &mut idle, &mut half_sent] {
        assert_eq!(client.rest(), "");
    }
}

#[test]
fn drop_ends_it_at_once() {
    let server = Delayserver::start().expect("start");
    let addr = server.addr();
    let mut client = Client::connect(addr);
    client.get(AGES);
    eventually("the request waits", || server.waiting() == 1);
    drop(server);
    assert_eq!(client.rest(), "", "no reply");
    assert!(TcpStream::connect(addr).is_err(), "nobody listens");
}
