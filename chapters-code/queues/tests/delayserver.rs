//! The five-stream program against a delayserver, on every queue of this system.
#![cfg(target_os = "linux")]

use std::io::{Error, ErrorKind};

use delayserver::Delayserver;
use queues::{QUEUES, STREAMS, ask};

/// An old kernel, or one that was told to give no rings.
fn refused(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::PermissionDenied)
}

#[test]
fn every_queue_takes_five_replies_from_a_delayserver() {
    let server = Delayserver::start().unwrap();
    for queue in QUEUES {
        let sockets = (0..STREAMS).map(|at| ask(server.addr(), &format!("/0/reply-{at}")).unwrap());
        let mut replies = match (queue.replies)(sockets.collect()) {
            Err(error) if refused(&error) => {
                println!("\nskipped: the kernel refuses {}: {error}", queue.name);
                continue;
            }
            replies => replies.unwrap(),
        };
        replies.sort_by_key(|reply| reply.request);
        let bodies: Vec<_> = replies.into_iter().map(|reply| reply.body.unwrap()).collect();
        assert_eq!(bodies, [0, 1, 2, 3, 4].map(|at| format!("reply-{at}")), "{}", queue.name);
    }
}
