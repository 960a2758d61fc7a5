//! What a round owes its streams. Each message says what was sent and what had to come.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use my_mio::event::Source;
use my_mio::net::UnixStream;
use my_mio::{Events, Interest, Poll, Registry, Token};
use turns::Turns;

#[path = "../examples/firehose/turns.rs"]
mod turns;

/// A stream whose reads may fail before they reach the socket.
struct Scripted {
    stream: UnixStream,
    /// What the next reads say; nothing where the socket may answer.
    says: VecDeque<Option<ErrorKind>>,
    /// It can't be deregistered, for this reason.
    stays: Option<ErrorKind>,
    /// So much comes with a read at most.
    most: usize,
}

impl Read for Scripted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.says.pop_front().flatten() {
            Some(kind) => Err(kind.into()),
            None => {
                let most = self.most.min(buffer.len());
                self.stream.read(&mut buffer[..most])
            }
        }
    }
}

impl Source for Scripted {
    fn register(&mut self, to: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        to.register(&mut self.stream, token, interests)
    }

    fn reregister(&mut self, to: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        to.reregister(&mut self.stream, token, interests)
    }

    fn deregister(&mut self, from: &Registry) -> io::Result<()> {
        from.deregister(&mut self.stream)?;
        self.stays.map_or(Ok(()), |kind| Err(kind.into()))
    }
}

/// Streams to which these bytes were sent, and their peers.
fn sent(bytes: &[usize]) -> (Vec<Scripted>, Vec<UnixStream>) {
    let pair = |bytes: &usize| {
        let (stream, mut peer) = UnixStream::pair().unwrap();
        peer.write_all(&vec![7; *bytes]).unwrap();
        (Scripted { stream, says: VecDeque::new(), stays: None, most: usize::MAX }, peer)
    };
    bytes.iter().map(pair).unzip()
}

/// What a round that does not wait has brought, by stream.
fn round(turns: &mut Turns<Scripted>, streams: usize) -> String {
    waited(turns, streams, Duration::ZERO)
}

fn waited(turns: &mut Turns<Scripted>, streams: usize, timeout: Duration) -> String {
    let mut got = vec![(0, Vec::new()); streams];
    let told = turns.round(Some(timeout), |i, read| match read {
        Ok([]) => got[i].1.push("the end".to_owned()),
        Ok(bytes) => got[i].0 += bytes.len(),
        Err(error) => got[i].1.push(format!("{:?}", error.kind())),
    });
    let words = |(bytes, ends): &(usize, Vec<String>)| {
        let bytes = (*bytes > 0).then(|| format!("{bytes} bytes"));
        let all: Vec<String> = bytes.into_iter().chain(ends.iter().cloned()).collect();
        if all.is_empty() { "nothing".to_owned() } else { all.join(" and ") }
    };
    let got = got.iter().map(words).collect::<Vec<_>>().join(", ");
    match told {
        Ok(()) => got,
        Err(error) => format!("{got}; and the error {:?}", error.kind()),
    }
}

#[track_caller]
fn must(what: &str, right: &str, told: &str) {
    assert!(told == right, "{what}: expected {right}; got {told}");
}

#[test]
fn a_turn_reads_on_until_nothing_is_left() {
    let (streams, _peers) = sent(&[20_000, 3]);
    let mut turns = Turns::new(streams, 1 << 20).unwrap();
    let told = round(&mut turns, 2);
    must("sent 20000 and 3, a budget of 1 MiB", "20000 bytes, 3 bytes", &told);
    must("nothing more", "nothing, nothing", &round(&mut turns, 2));
}

#[test]
fn what_comes_after_a_turn_is_for_the_next_round() {
    let (streams, mut peers) = sent(&[3]);
    let mut turns = Turns::new(streams, 1 << 20).unwrap();
    must("sent 3", "3 bytes", &round(&mut turns, 1));
    peers[0].write_all(&[7; 4]).unwrap();
    must("then 4", "4 bytes", &round(&mut turns, 1));
    drop(peers);
    must("then closed", "the end", &round(&mut turns, 1));
    must("nothing more", "nothing", &round(&mut turns, 1));
}

#[test]
fn a_signal_in_the_midst_of_a_turn_costs_nothing() {
    for says in [[Some(ErrorKind::Interrupted), None], [None, Some(ErrorKind::Interrupted)]] {
        let (mut streams, peers) = sent(&[5]);
        drop(peers);
        streams[0].says.extend(says);
        let mut turns = Turns::new(streams, 1 << 20).unwrap();
        let told = round(&mut turns, 1);
        must("sent 5 and closed, a signal interrupts", "5 bytes and the end", &told);
    }
}

#[test]
fn an_error_is_told_once_and_ends_that_stream() {
    let (mut streams, mut peers) = sent(&[5, 5]);
    streams[0].says.push_back(Some(ErrorKind::ConnectionReset));
    let mut turns = Turns::new(streams, 1 << 20).unwrap();
    must("0 fails, sent 5 to 1", "ConnectionReset, 5 bytes", &round(&mut turns, 2));
    // Its stream is closed: nobody is there to send to.
    let sent = peers[0].write(&[7]).map_err(|error| error.kind());
    assert!(
        sent == Err(ErrorKind::BrokenPipe),
        "0 has failed: expected it to be closed; its peer got {sent:?}"
    );
    must("nothing more", "nothing, nothing", &round(&mut turns, 2));
}

#[test]
fn an_error_of_one_turn_takes_nobody_theirs() {
    let (mut streams, mut peers) = sent(&[0, 5]);
    streams[0].stays = Some(ErrorKind::PermissionDenied);
    drop(peers.remove(0));
    let mut turns = Turns::new(streams, 1 << 20).unwrap();
    let right = "the end, 5 bytes; and the error PermissionDenied";
    must("0 ends and can't be deregistered, sent 5 to 1", right, &round(&mut turns, 2));
}

#[test]
fn who_has_more_has_another_turn_without_an_event() {
    let (streams, _peers) = sent(&[20_000]);
    // A byte is less than a read brings, so each turn has one read.
    let mut turns = Turns::new(streams, 1).unwrap();
    let mut all = 0;
    turns.round(Some(Duration::ZERO), |_, read| all += read.map_or(0, <[u8]>::len)).unwrap();
    for _ in 0..20_000 {
        // Edge-triggered, nothing is reported again. Only the list knows.
        turns.round(Some(Duration::ZERO), |_, read| all += read.map_or(0, <[u8]>::len)).unwrap();
    }
    assert!(all == 20_000, "sent 20000, a budget of 1 byte, many rounds: read {all} bytes");
}

#[test]
fn the_first_error_of_a_round_is_told() {
    let (mut streams, peers) = sent(&[0, 0]);
    streams[0].stays = Some(ErrorKind::PermissionDenied);
    streams[1].stays = Some(ErrorKind::ResourceBusy);
    drop(peers);
    let mut turns = Turns::new(streams, 1 << 20).unwrap();
    let right = "the end, the end; and the error PermissionDenied";
    must("0 and then 1 end and can't be deregistered", right, &round(&mut turns, 2));
}

#[test]
fn an_error_of_the_read_hides_none_of_its_end() {
    let (mut streams, _peers) = sent(&[5]);
    streams[0].says.push_back(Some(ErrorKind::ConnectionReset));
    streams[0].stays = Some(ErrorKind::PermissionDenied);
    let mut turns = Turns::new(streams, 1 << 20).unwrap();
    let right = "ConnectionReset; and the error PermissionDenied";
    must("0 fails and can't be deregistered", right, &round(&mut turns, 1));
}

#[test]
fn where_all_is_read_a_round_waits() {
    let (streams, _peers) = sent(&[3, 20_000]);
    let mut turns = Turns::new(streams, 1 << 20).unwrap();
    must("sent 3 and 20000", "3 bytes, 20000 bytes", &round(&mut turns, 2));
    for _ in 0..2 {
        let (started, timeout) = (Instant::now(), Duration::from_millis(30));
        must("nothing more", "nothing, nothing", &waited(&mut turns, 2, timeout));
        let has_waited = started.elapsed() >= timeout;
        assert!(
            has_waited,
            "all is read, a round of 30 ms: expected it to sleep for as long; it did not"
        );
    }
}

#[test]
fn while_one_has_more_others_are_heard_of() {
    let (streams, mut peers) = sent(&[50_000, 0]);
    let mut turns = Turns::new(streams, 1).unwrap();
    let first = round(&mut turns, 2);
    assert!(
        first.ends_with(" bytes, nothing"),
        "sent 50000 to 0: expected some of it; got {first}"
    );
    peers[1].write_all(&[7; 5]).unwrap();
    let second = round(&mut turns, 2);
    let told = second.split(", ").nth(1).unwrap_or_default();
    must("0 has more, and then 5 were sent to 1: what 1 got", "5 bytes", told);
}

#[test]
fn a_turn_is_over_with_the_read_that_spends_its_budget() {
    for (budget, right) in [(300, "300 bytes"), (301, "400 bytes"), (0, "100 bytes")] {
        let (mut streams, _peers) = sent(&[1_000]);
        streams[0].most = 100;
        let mut turns = Turns::new(streams, budget).unwrap();
        let what = format!("sent 1000, a read brings 100, a budget of {budget}");
        must(&what, right, &round(&mut turns, 1));
    }
}

#[test]
fn those_on_the_list_come_first() {
    let (streams, mut peers) = sent(&[50_000, 0]);
    let mut turns = Turns::new(streams, 1).unwrap();
    round(&mut turns, 2);
    peers[1].write_all(&[7; 5]).unwrap();
    let mut order = Vec::new();
    turns.round(Some(Duration::ZERO), |i, _| order.push(i)).unwrap();
    must("0 has more, and then 5 were sent to 1: the turns", "[0, 1]", &format!("{order:?}"));
}

#[test]
fn a_signal_that_ends_the_wait_is_told() {
    extern "C" fn nothing(_: i32) {}
    let handler: extern "C" fn(i32) = nothing;
    // SAFETY: the handler does nothing, and epoll_wait(2) is never restarted: signal(7).
    unsafe { libc::signal(libc::SIGUSR1, handler as libc::sighandler_t) };
    // SAFETY: it takes nothing.
    let sleeper = unsafe { libc::pthread_self() };
    let (streams, _peers) = sent(&[0]);
    let mut turns = Turns::new(streams, 1).unwrap();
    let is_over = AtomicBool::new(false);
    let told = thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                // SAFETY: the sleeper's thread waits for this one, and so is there.
                unsafe { libc::pthread_kill(sleeper, libc::SIGUSR1) };
                thread::sleep(Duration::from_millis(1));
            }
        });
        let told = waited(&mut turns, 1, Duration::from_secs(5));
        is_over.store(true, Ordering::Relaxed);
        told
    });
    must("a wait of 5 s, and signals", "nothing; and the error Interrupted", &told);
}

#[test]
fn more_room_than_the_kernel_counts_is_no_error() {
    const MANY: usize = 200_000_000;
    if Vec::<u8>::new().try_reserve_exact(16 * MANY).is_err() {
        return println!("\nskipped: there is no address space for {MANY} events");
    }
    let told = Poll::new().unwrap().poll(&mut Events::with_capacity(MANY), Some(Duration::ZERO));
    let told = told.map_err(|error| error.kind());
    must("a poll with room for 200000000 events", "Ok(())", &format!("{told:?}"));
}
