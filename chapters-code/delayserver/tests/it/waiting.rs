//! Requests that wait beside each other, and clients that do not wait for them.

use crate::client::{AGES, Client, eventually, request};
use delayserver::Delayserver;
use std::net::Shutdown;
use std::sync::mpsc;
use std::thread;

fn start_waiting() -> (Delayserver, Client) {
    let server = Delayserver::start().expect("start");
    let mut client = Client::connect(server.addr());
    client.get(AGES);
    eventually("the request waits", || server.waiting() == 1);
    (server, client)
}

#[test]
fn a_long_wait_holds_up_nobody() {
    let (server, _patient) = start_waiting();
    let mut quick = Client::connect(server.addr());
    assert_eq!(quick.ask("GET", "/10/quick").body, "quick");
    assert_eq!(server.waiting(), 1, "only the long wait is left");
}

#[test]
fn replies_come_in_the_order_of_their_delays() {
    let server = Delayserver::start().expect("start");
    let (sender, arrivals) = mpsc::channel();
    for path in ["/1000/last", "/500/second", "/0/first"] {
        let (sender, mut client) = (sender.clone(), Client::connect(server.addr()));
        client.get(path);
        thread::spawn(move || sender.send(client.reply().body));
    }
    drop(sender);
    assert_eq!(arrivals.iter().collect::<Vec<_>>(), ["first", "second", "last"]);
}

/// As `nc` does at the end of its input.
#[test]
fn a_client_that_closes_its_sending_half_gets_its_reply_and_the_close() {
    for delay in [0, 300] {
        let server = Delayserver::start().expect("start");
        let mut client = Client::connect(server.addr());
        client.get(&format!("/{delay}/answered"));
        client.stream().shutdown(Shutdown::Write).expect("shutdown");
        assert_eq!(client.reply().body, "answered");
        assert_eq!(client.rest(), "");
    }
}

#[test]
fn a_client_that_closes_its_sending_half_in_a_request_is_closed() {
    let server = Delayserver::start().expect("start");
    let mut client = Client::connect(server.addr());
    client.send("GET /0/half HTT");
    client.stream().shutdown(Shutdown::Write).expect("shutdown");
    assert!(!client.rest().contains("200"));
    assert_eq!(server.waiting(), 0);
}

/// The server can't know: it has seen the end of what the client sends and no more.
#[test]
fn a_client_that_closes_waits_until_its_delay_is_over() {
    let server = Delayserver::start().expect("start");
    let mut client = Client::connect(server.addr());
    client.get("/600/nobody");
    eventually("the request waits", || server.waiting() == 1);
    drop(client);
    let mut other = Client::connect(server.addr());
    assert_eq!(other.ask("GET", "/100/other").body, "other");
    assert_eq!(server.waiting(), 1, "it is dropped early");
    eventually("it has waited", || server.waiting() == 0);
    assert_eq!(other.ask("GET", "/0/after").body, "after");
}

/// A socket that is closed with bytes unread sends a reset: leave one reply unread and close while
/// the next request waits.
#[test]
fn a_client_that_resets_waits_until_its_delay_is_over() {
    let server = Delayserver::start().expect("start");
    let mut client = Client::connect(server.addr());
    client.get("/0/unread");
    client.stream().peek(&mut [0]).expect("the reply is here");
    client.get("/600/nobody");
    eventually("the request waits", || server.waiting() == 1);
    drop(client);
    eventually("it has waited", || server.waiting() == 0);
    assert_eq!(Client::connect(server.addr()).ask("GET", "/0/after").body, "after");
}

#[test]
fn pipelined_requests_of_a_client_that_sends_no_more_are_all_answered() {
    let server = Delayserver::start().expect("start");
    let mut client = Client::connect(server.addr());
    client.send(request("GET", "/100/first") + &request("GET", "/100/second"));
    client.stream().shutdown(Shutdown::Write).expect("shutdown");
    assert_eq!(client.reply().body, "first");
    assert_eq!(client.reply().body, "second");
    assert_eq!(client.rest(), "");
}

#[test]
fn a_refused_request_never_waits() {
    let server = Delayserver::start().expect("start");
    let mut client = Client::connect(server.addr());
    assert_eq!(client.ask("GET", "/60001/refused").status, 400);
    assert_eq!(server.waiting(), 0);
}
