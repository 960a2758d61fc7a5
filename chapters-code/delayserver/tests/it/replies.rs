//! One request, one reply.

use crate::client::{Client, request};
use delayserver::Delayserver;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

fn start() -> (Delayserver, Client) {
    let server = Delayserver::start().expect("start");
    let client = Client::connect(server.addr());
    (server, client)
}

#[track_caller]
fn refused(path: &str, status: u16, sentence: &str) {
    let (_server, mut client) = start();
    let reply = client.ask("GET", path);
    assert_eq!(reply.status, status, "{path}: {reply:?}");
    assert_eq!(reply.body, sentence, "{path}");
}

#[test]
fn the_message_comes_back_as_plain_text() {
    let (_server, mut client) = start();
    let reply = client.ask("GET", "/0/hello");
    assert_eq!((reply.status, reply.body.as_str()), (200, "hello"));
    assert_eq!(reply.header("Content-Type"), Some("text/plain; charset=utf-8"));
    assert_eq!(reply.header("Content-Length"), Some("5"));
}

#[test]
fn no_reply_comes_before_its_delay() {
    let (_server, mut client) = start();
    for delay in [1, 20, 50, 100] {
        let start = Instant::now();
        client.ask("GET", &format!("/{delay}/hello"));
        assert!(start.elapsed() >= Duration::from_millis(delay), "{delay} ms: too early");
    }
}

#[test]
fn the_message_is_percent_decoded() {
    let (_server, mut client) = start();
    for (sent, message) in [
        ("one%20two%2Fthree", "one two/three"),
        ("za%C5%BC%C3%B3%C5%82%C4%87", "zażółć"),
        ("100%25", "100%"),
        ("a+b", "a+b"),
        ("what%3F", "what?"),
        ("two%0D%0Alines", "two\r\nlines"),
        ("query?is=ignored", "query"),
    ] {
        let reply = client.ask("GET", &format!("/0/{sent}"));
        assert_eq!((reply.status, reply.body.as_str()), (200, message), "{sent}");
    }
}

#[test]
fn a_message_that_is_not_utf_8_is_refused() {
    refused("/0/%FF%FE", 400, "The path must be UTF-8 after percent-decoding.\n");
}

#[test]
fn a_delay_that_is_no_number_or_too_long_is_refused() {
    let most = u64::MAX.to_string();
    for delay in ["soon", "-1", "1.5", "0x10", "%20", "60001", &most, "99999999999999999999999"] {
        let sentence = "The delay must be a whole number of milliseconds from 0 to 60000.\n";
        refused(&format!("/{delay}/hello"), 400, sentence);
    }
}

#[test]
fn an_unknown_path_is_told_the_right_form() {
    for path in ["/", "/hello", "/10", "/10/", "/10/a/b"] {
        let form = "Ask for /<milliseconds>/<message>, with a / in the message as %2F.\n";
        refused(path, 404, form);
    }
}

#[test]
fn other_methods_are_refused() {
    let (_server, mut client) = start();
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "BREW"] {
        let reply = client.ask(method, "/0/hello");
        assert_eq!((reply.status, reply.header("Allow")), (405, Some("GET,HEAD")), "{method}");
        assert_eq!(reply.body, "Only GET is answered here.\n");
    }
}

#[test]
fn head_is_get_without_the_message() {
    let (_server, mut client) = start();
    client.send("HEAD /0/hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let reply = client.rest();
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    assert!(reply.contains("content-length: 5\r\n"), "{reply}");
    assert!(reply.ends_with("\r\n\r\n"), "{reply}");
}

#[test]
fn what_is_not_http_is_refused() {
    let (_server, mut client) = start();
    client.send("this is no request\r\n\r\n");
    assert!(client.rest().starts_with("HTTP/1.1 400 Bad Request\r\n"));
}

#[test]
fn a_path_of_70_000_bytes_is_refused() {
    let (_server, mut client) = start();
    client.get(&format!("/0/{}", "a".repeat(70_000)));
    assert!(client.rest().starts_with("HTTP/1.1 414 URI Too Long\r\n"));
}

#[test]
fn a_head_of_1_000_headers_is_refused() {
    let (_server, mut client) = start();
    let headers = "X: x\r\n".repeat(1_000);
    client.send(format!("GET /0/hello HTTP/1.1\r\n{headers}\r\n"));
    assert!(client.rest().starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"));
}

#[test]
fn a_head_without_end_is_cut_off() {
    let (_server, mut client) = start();
    client.send("GET /0/hello HTTP/1.1\r\nX: ");
    let chunk = [b'x'; 4096];
    let cut_off = (0..4_000).find_map(|_| client.try_send(chunk).err()).expect("16 MB of header");
    // The server has closed with our bytes unread, and so its 431 may be lost in the reset.
    assert!(matches!(cut_off.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset));
}

#[test]
fn one_byte_at_a_time_is_a_request_too() {
    let (_server, mut client) = start();
    for byte in request("GET", "/0/slowly").bytes() {
        client.send([byte]);
    }
    assert_eq!(client.reply().body, "slowly");
}
