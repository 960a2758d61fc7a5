//! The five-stream client against every peer of the lab.

use std::error::Error;
use std::time::Duration;

use epoll::client::{Client, Reply};
use lab::peer::{Mode, Peer};

const STREAMS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    for &mode in Mode::ALL {
        let peer = Peer::start(mode, STREAMS)?;
        let paths: Vec<String> =
            (0..STREAMS).map(|stream| format!("/0/request-{stream}")).collect();
        let patience = Duration::from_secs(if mode.answers() { 60 } else { 1 });
        let replies = Client::send(peer.addr(), &paths)?.replies(Some(patience))?;
        println!("{:<24}{}", mode.name(), verdict(mode, &replies));
    }
    Ok(())
}

/// What the client says, where that is the same for all streams.
fn verdict(mode: Mode, replies: &[Reply]) -> String {
    let right = |reply: &Reply| {
        let body = reply.body.as_ref().ok();
        body.is_some_and(|body| *body == mode.body_for(&format!("request-{}", reply.request)))
    };
    match replies.iter().filter(|reply| right(reply)).count() {
        STREAMS => "finished, every byte right".to_owned(),
        0 => replies
            .iter()
            .filter_map(|r| r.body.as_ref().err())
            .map(|e| e.to_string())
            .next()
            .unwrap_or_default(),
        n => format!("{n} of {STREAMS} right"),
    }
}
