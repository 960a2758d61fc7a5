//! The claim that gives the server its point.

use crate::client::{AGES, Client, eventually};
use delayserver::Delayserver;
use std::env;
use std::process::Command;

const REQUESTS: usize = 1_000;

/// Both ends of a thousand connections are more descriptors than a shell usually grants: the test
/// runs itself again where more are allowed.
#[test]
fn a_thousand_requests_wait_at_once_on_two_threads() {
    const CHILD: &str = "DELAYSERVER_TEST_THOUSAND";
    if env::var_os(CHILD).is_some() {
        return thousand();
    }
    let status = Command::new("sh")
        .args(["-c", "ulimit -n 4096 && exec \"$@\"", "sh"])
        .arg(env::current_exe().expect("this test"))
        .args(["--exact", "thousand::a_thousand_requests_wait_at_once_on_two_threads"])
        .env(CHILD, "yes")
        .status()
        .expect("sh");
    assert!(status.success(), "{status}");
}

fn thousand() {
    let server = Delayserver::start().expect("start");
    let mut clients: Vec<_> = (0..REQUESTS).map(|_| Client::connect(server.addr())).collect();
    for client in &mut clients {
        client.get(AGES);
    }
    eventually("all wait", || server.waiting() == REQUESTS);
    #[cfg(target_os = "linux")]
    assert_eq!(threads_of_the_server(), 2);
    assert_eq!(Client::connect(server.addr()).ask("GET", "/1/quick").body, "quick");

    drop(server);
    #[cfg(target_os = "linux")]
    assert_eq!(threads_of_the_server(), 0);
    assert!(clients.iter_mut().all(|client| client.rest().is_empty()), "no reply");
}

#[cfg(target_os = "linux")]
fn threads_of_the_server() -> usize {
    let threads = std::fs::read_dir("/proc/self/task").expect("the threads of this process");
    let names = threads.filter_map(|thread| {
        // A thread may end between the listing and this line.
        std::fs::read_to_string(thread.ok()?.path().join("comm")).ok()
    });
    names.filter(|name| name.trim_end() == "delayserver").count()
}
