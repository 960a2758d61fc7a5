//! Several requests on one connection, and its end.

use crate::client::{Client, request};
use delayserver::Delayserver;

#[test]
fn a_connection_serves_one_request_after_another() {
    let server = Delayserver::start().expect("start");
    let mut client = Client::connect(server.addr());
    assert_eq!(client.ask("GET", "/10/first").body, "first");
    assert_eq!(client.ask("GET", "/never/refused").status, 400);
    assert_eq!(client.ask("GET", "/0/third").body, "third");
}

#[test]
fn pipelined_requests_are_answered_in_the_order_asked() {
    let server = Delayserver::start().expect("start");
    let mut client = Client::connect(server.addr());
    client.send(["/50/slow", "/0/fast", "/10/last"].map(|path| request("GET", path)).concat());
    let replies = [(); 3].map(|()| client.reply().body);
    assert_eq!(replies, ["slow", "fast", "last"]);
}

#[test]
fn connection_close_is_honoured() {
    let server = Delayserver::start().expect("start");
    let mut client = Client::connect(server.addr());
    client.send("GET /0/bye HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let reply = client.reply();
    assert_eq!((reply.body.as_str(), reply.header("Connection")), ("bye", Some("close")));
    assert_eq!(client.rest(), "");
}

#[test]
fn http_1_0_closes_by_itself() {
    let server = Delayserver::start().expect("start");
    let mut client = Client::connect(server.addr());
    client.send("GET /0/old HTTP/1.0\r\n\r\n");
    assert_eq!(client.reply().body, "old");
    assert_eq!(client.rest(), "");
}
