//! The sender's buffer and the receiver's, while a message goes through them: a drawing.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use edges::{limit_unsent, pair_with_buffers, receive_queue, send_queue, unacknowledged, unread};
use lab::bars::{Level, Moment, svg};

fn main() -> io::Result<()> {
    let (mut client, mut server) = pair_with_buffers(32 * 1024, 128 * 1024)?;
    limit_unsent(&client, -1)?;
    server.set_nonblocking(true)?;
    let mut moments = Vec::new();

    let mut taken = fill(&mut client)?;
    moments.push(look("Written until WouldBlock", &client, &server)?);
    settle(&client, &server)?;
    moments.push(look("A moment later; nobody has read", &client, &server)?);
    loop {
        let more = fill(&mut client)?;
        settle(&client, &server)?;
        taken += more;
        if more == 0 {
            break;
        }
    }
    moments.push(look("Written until nothing moves", &client, &server)?);
    while !send_queue(&client)?.writable() && taken > 0 {
        taken -= server.read(&mut [0; 32768])?;
        settle(&client, &server)?;
    }
    moments.push(look("The peer has read until there is room", &client, &server)?);

    let title = "Two buffers";
    let description = "How full the buffers of a TCP connection are. The dashed line is two thirds: \
                       above it epoll does not report room.";
    print!(
        "{}",
        svg(title, description, &["the sender's buffer", "the receiver's buffer"], &moments)
    );
    Ok(())
}

/// Writes until the socket takes no more. How much it took.
fn fill(client: &mut TcpStream) -> io::Result<usize> {
    let mut taken = 0;
    loop {
        match client.write(&[7; 4096]) {
            Ok(n) => taken += n,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(taken),
            Err(error) => return Err(error),
        }
    }
}

/// Waits until nothing has moved for 300 ms, 5 s at the most.
fn settle(client: &TcpStream, server: &TcpStream) -> io::Result<()> {
    let end = Instant::now() + Duration::from_secs(5);
    let mut before = None;
    while Instant::now() < end {
        let now = (unacknowledged(client)?, unread(server)?);
        if before.replace(now) == Some(now) {
            break;
        }
        thread::sleep(Duration::from_millis(300));
    }
    Ok(())
}

fn look(what: &str, client: &TcpStream, server: &TcpStream) -> io::Result<Moment> {
    let queue = send_queue(client)?;
    let sender = Level {
        used: f64::from(queue.queued) / f64::from(queue.size),
        line: Some(2.0 / 3.0),
        note: format!(
            "{} KB not acknowledged, {}",
            unacknowledged(client)? / 1000,
            if queue.writable() { "reported" } else { "not reported" }
        ),
    };
    let (used, size) = receive_queue(server)?;
    let receiver = Level {
        used: f64::from(used) / f64::from(size),
        line: None,
        note: format!("{} KB not read", unread(server)? / 1000),
    };
    Ok(Moment { what: what.to_owned(), levels: vec![sender, receiver] })
}
