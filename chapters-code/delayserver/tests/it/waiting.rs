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
    for path in ["/2000/last", "/1000/second", "/0/first"] {
        let (sender, mut client) = (sender.clone(), Client::connect(server.addr()));
        client.get(path);
        thread::spawn(move || sender.send(client.reply().body));
    }
    drop(sender);
    assert_eq!(arrivals.iter().collect::<Vec<_>>(), ["first", "second", "last"]);
}

#[test]
fn a_client_that_closes_waits_no_more() {
    let (server, client) = start_waiting();
    drop(client);
    eventually("its request is dropped", || server.waiting() == 0);
}

#[test]
fn a_client_that_closes_only_its_sending_half_waits_no_more() {
    let (server, mut client) = start_waiting();
    client.stream().shutdown(Shutdown::Write).expect("shutdown");
    eventually("its request is dropped", || server.waiting() == 0);
    assert_eq!(client.rest(), "");
}

/// A socket that is closed with bytes unread sends a reset: leave one reply unread and close while
/// the next request waits.
#[test]
fn a_client_that_resets_waits_no_more() {
    let server = Delayserver::start().expect("start");
    let mut client = Client::connect(server.addr());
    client.get("/0/unread");
    client.stream().peek(&mut [0]).expect("the reply is here");
    client.get(AGES);
    eventually("the request waits", || server.waiting() == 1);
    drop(client);
    eventually("its request is dropped", || server.waiting() == 0);
}

/// The request behind hides the close until it is read itself, so the first one waits to its end.
#[test]
fn a_client_that_closes_behind_a_pipelined_request_waits_for_the_first_alone() {
    let server = Delayserver::start().expect("start");
    let mut client = Client::connect(server.addr());
    client.send(request("GET", "/300/first") + &request("GET", AGES));
    eventually("the first request waits", || server.waiting() == 1);
    drop(client);
    eventually("it has waited", || server.waiting() == 0);
    // Time enough for the second to begin, if it were to wait.
    Client::connect(server.addr()).ask("GET", "/100/next");
    eventually("the second is dropped", || server.waiting() == 0);
}

#[test]
fn a_refused_request_never_waits() {
    let server = Delayserver::start().expect("start");
    let mut client = Client::connect(server.addr());
    assert_eq!(client.ask("GET", "/60001/refused").status, 400);
    assert_eq!(server.waiting(), 0);
}
