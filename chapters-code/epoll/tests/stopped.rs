//! What the note *The wrapper* claims of a process that is stopped and continued.

use std::thread;
use std::time::{Duration, Instant};

use epoll::{Events, Poll};
use lab::doomed::{self, Ending};

/// How long a child may take to fall asleep or to end.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn poll_keeps_its_deadline_through_stop_and_continue() {
    let name = "poll_keeps_its_deadline_through_stop_and_continue";
    let timeout = Duration::from_secs(1);
    let child = doomed::start(name, || {
        let started = Instant::now();
        let mut events = Events::with_capacity(1);
        Poll::new().unwrap().poll(&mut events, Some(timeout)).unwrap();
        assert!(events.is_empty());
        assert!(started.elapsed() >= timeout, "poll returned early");
        assert!(started.elapsed() < timeout * 2, "each signal added to the timeout");
    });
    // Far more often than the timeout is long, and for as long as the child lasts: a poll that
    // began its timeout anew after each signal would not end.
    let started = Instant::now();
    while child.wait_until_asleep_in("epoll_wait", PATIENCE).is_ok() {
        let fair = started.elapsed() < timeout * 5;
        assert!(fair, "poll begins its timeout anew after each signal");
        if child.stop().and_then(|()| child.resume()).is_err() {
            break;
        }
        thread::sleep(timeout / 200);
    }
    let ended = child.end(PATIENCE);
    assert_eq!(ended.how, Ending::Passed, "{}{}", ended.stdout, ended.stderr);
}
