//! What `wake` owes a fiber, whoever calls it. Each message says what was done, and what had to come of it.

use super::*;

/// A runtime with one fiber, and the fiber's place and a socket's.
fn runtime() -> (Runtime, usize, usize) {
    let mut runtime = Runtime::new(0).unwrap();
    let joined = Rc::new(Shared::<()>::new(0));
    let id = runtime.fibers.insert(Entry { fiber: None, address: 0, joined, waits: None });
    let socket = runtime.sockets.insert(Vec::new());
    (runtime, id, socket)
}

#[track_caller]
fn must(done: &str, right: &[usize], runtime: &Runtime) {
    let queue: Vec<usize> = runtime.ready.iter().copied().collect();
    assert!(queue == right, "{done}: expected {right:?} in the queue; got {queue:?}");
}

#[test]
fn one_that_is_told_twice_is_once_in_the_queue() {
    let (mut runtime, id, socket) = runtime();
    runtime.park(id, Wait { socket: Some(socket), deadline: None });
    runtime.wake(id);
    must("a fiber waited at a socket, and was woken", &[id], &runtime);
    runtime.wake(id);
    must("it was woken once more before its turn", &[id], &runtime);
}

#[test]
fn one_that_waits_for_nothing_is_not_put_into_the_queue() {
    let (mut runtime, id, _) = runtime();
    runtime.wake(id);
    must("a fiber that did not wait was woken", &[], &runtime);
}

#[test]
fn one_whose_socket_is_gone_is_woken_all_the_same() {
    let (mut runtime, id, socket) = runtime();
    runtime.park(id, Wait { socket: Some(socket), deadline: None });
    runtime.sockets.remove(socket);
    runtime.wake(id);
    must("a fiber waited at a socket, which went, and was woken", &[id], &runtime);
}
