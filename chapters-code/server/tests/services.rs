//! What the note *A server that accepts* claims of a whole server: of an echo and of a chat, whose clients
//! come when they come.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use lab::crowd;
use lab::doomed::{self, Ending};
use lab::measure::Memory;
use server::{BOUND, Chat, Echo, LONGEST_LINE, Server, Service};

/// Long enough for the kernel to move what it will move: nothing else is going on.
const QUIET: Duration = Duration::from_millis(500);

/// A server in a thread of its own, which ends with the process.
fn serve(service: impl Service + Send + 'static) -> SocketAddr {
    let mut server = Server::bind("127.0.0.1:0".parse().unwrap(), service).unwrap();
    let address = server.address().unwrap();
    thread::spawn(move || server.run());
    address
}

/// The server has room for three clients, and ten come. Each leaves when it has its answer.
#[test]
fn a_server_out_of_descriptors_serves_those_who_wait_when_others_leave() {
    let name = "a_server_out_of_descriptors_serves_those_who_wait_when_others_leave";
    let ended = doomed::child(name, || {
        let address = serve(Echo);
        let clients: Vec<_> = (0..10).map(|_| crowd::client(address).unwrap()).collect();
        // The server has accepted them all by the time that the last one has its answer.
        let answer = |mut client: TcpStream| {
            client.write_all(b"hello").unwrap();
            client.read_exact(&mut [0; 5]).unwrap();
        };
        clients.into_iter().for_each(answer);
        thread::sleep(QUIET);
        let sockets: Vec<_> = (0..10).map(|_| unconnected()).collect();
        crowd::leave_descriptors(3).unwrap();
        let clients: Vec<_> = sockets.into_iter().map(|socket| connect(socket, address)).collect();
        clients.into_iter().for_each(answer);
        println!("all ten had their answers");
    });
    assert!(ended.stdout.contains("all ten had their answers"), "{ended:?}");
}

/// The descriptors are held by others than the server's clients, of which there is none.
#[test]
fn a_server_out_of_descriptors_tries_again_when_nobody_tells_that_some_are_free() {
    let name = "a_server_out_of_descriptors_tries_again_when_nobody_tells_that_some_are_free";
    let ended = doomed::child(name, || {
        let address = serve(Echo);
        assert_eq!(crowd::at_once(address, 1, b"hello").unwrap(), [b"hello"]);
        thread::sleep(QUIET);
        let socket = unconnected();
        let before = crowd::leave_descriptors(0).unwrap();
        let mut client = connect(socket, address);
        client.write_all(b"hello").unwrap();
        thread::sleep(QUIET);
        crowd::set_descriptor_limit(before).unwrap();
        client.read_exact(&mut [0; 5]).unwrap();
        println!("served");
    });
    assert!(ended.stdout.contains("served"), "{ended:?}");
}

/// A socket of a client that will connect when there are no more descriptors.
fn unconnected() -> std::os::fd::OwnedFd {
    use std::os::fd::FromRawFd;
    // SAFETY: socket takes no pointer; what it returns is open and nobody else's.
    unsafe {
        let fd = libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0);
        assert!(fd >= 0, "{}", io::Error::last_os_error());
        std::os::fd::OwnedFd::from_raw_fd(fd)
    }
}

fn connect(socket: std::os::fd::OwnedFd, address: SocketAddr) -> TcpStream {
    use std::os::fd::AsRawFd;
    let SocketAddr::V4(address) = address else { panic!("{address} is not IPv4") };
    let to = libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: address.port().to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(address.ip().octets()) },
        sin_zero: [0; 8],
    };
    let size = size_of_val(&to) as libc::socklen_t;
    // SAFETY: the kernel reads one `sockaddr_in`, which is what `to` is, and `size` is its size.
    let made = unsafe { libc::connect(socket.as_raw_fd(), (&raw const to).cast(), size) };
    assert_eq!(made, 0, "{}", io::Error::last_os_error());
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

#[test]
fn an_echo_answers_a_thousand_at_once() {
    if !crowd::room_for(3000).unwrap() {
        println!("\nskipped: the hard limit of descriptors is too low (RLIMIT_NOFILE)");
        return;
    }
    let answers = crowd::at_once(serve(Echo), 1000, b"hello").unwrap();
    assert_eq!(answers, vec![b"hello".to_vec(); 1000]);
}

#[test]
fn an_echo_answers_a_slow_client_one_that_half_closes_and_one_beside_those_that_vanish() {
    let address = serve(Echo);
    for reset in [false, true].repeat(50) {
        crowd::gone(address, b"hel", reset).unwrap();
    }
    assert_eq!(crowd::slowly(address, b"hello", Duration::from_millis(20)).unwrap(), b"hello");
    assert_eq!(crowd::half_closed(address, &[7; 300_000]).unwrap(), vec![7; 300_000]);
}

/// One client's firehose does not keep another from its turn.
#[test]
fn an_echo_serves_a_quiet_client_beside_one_that_sends_without_end() {
    let address = serve(Echo);
    let firehose = crowd::client(address).unwrap();
    let mut reader = firehose.try_clone().unwrap();
    thread::spawn(move || io::copy(&mut reader, &mut io::sink()));
    thread::spawn(move || {
        let block = vec![7; 1 << 20];
        while (&firehose).write_all(&block).is_ok() {}
    });
    for _ in 0..20 {
        assert_eq!(crowd::at_once(address, 1, b"hello").unwrap(), [b"hello"]);
    }
}

/// The bytes of the kernel's buffers are not the server's. What it keeps for each is its bound, and
/// what a turn may add.
#[test]
fn an_echo_keeps_a_bounded_number_of_bytes_for_each_client_that_never_reads() {
    const CLIENTS: u64 = 4;
    let name = "an_echo_keeps_a_bounded_number_of_bytes_for_each_client_that_never_reads";
    let ended = doomed::child(name, || {
        let address = serve(Echo);
        let before = Memory::now().unwrap();
        let most = 200 << 20;
        let stopped: Vec<_> =
            (0..CLIENTS).map(|_| crowd::never_reads(address, QUIET, most).unwrap()).collect();
        assert!(stopped.iter().all(|(sent, _)| *sent < most), "the echo read without end");
        let each = Memory::now().unwrap().each_since(&before, CLIENTS as usize).own();
        println!("{each} bytes each");
        assert!(each < 8 * BOUND as u64, "{each} bytes for each client, and the bound is {BOUND}");
        // They are still served when they read again.
        let (sent, mut client) = stopped.into_iter().next().unwrap();
        client.read_exact(&mut vec![0; sent]).unwrap();
    });
    assert!(matches!(ended.how, Ending::Passed), "{ended:?}");
}

/// Somebody in a chat.
struct Guest(BufReader<TcpStream>);

impl Guest {
    fn enter(address: SocketAddr) -> Guest {
        Guest(BufReader::new(crowd::client(address).unwrap()))
    }

    fn say(&mut self, words: &str) {
        self.0.get_mut().write_all(words.as_bytes()).unwrap();
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line
    }
}

/// Guests of whom each is known to be in: it has been heard by the first.
fn guests<const N: usize>(address: SocketAddr) -> [Guest; N] {
    let mut all: Vec<Guest> = Vec::new();
    for number in 0..N {
        let mut guest = Guest::enter(address);
        if let [first, ..] = &mut all[..] {
            guest.say(&format!("{number}\n"));
            assert_eq!(first.hear(), format!("{number}\n"));
        }
        all.push(guest);
    }
    let mut all: [Guest; N] = all.try_into().ok().unwrap();
    // What those between have heard of those who came later.
    for (at, listener) in all.iter_mut().enumerate().skip(1) {
        for number in at + 1..N {
            assert_eq!(listener.hear(), format!("{number}\n"));
        }
    }
    all
}

#[test]
fn a_chat_tells_everybody_but_the_author_whole_lines() {
    let [mut a, mut b, mut c] = guests(serve(Chat::default()));
    a.say("hel");
    b.say("I speak\n");
    assert_eq!((a.hear(), c.hear()), ("I speak\n".into(), "I speak\n".into()));
    a.say("lo\nsecond\nthi");
    assert_eq!((b.hear(), b.hear()), ("hello\n".into(), "second\n".into()));
    assert_eq!((c.hear(), c.hear()), ("hello\n".into(), "second\n".into()));
    drop(a);
    b.say("bye\n");
    assert_eq!(c.hear(), "bye\n");
}

#[test]
fn a_chat_closes_who_says_too_long_a_line_ended_or_not() {
    for line in ["x".repeat(LONGEST_LINE + 4097), "x".repeat(LONGEST_LINE + 1) + "\n"] {
        closes_who_says(&line);
    }
}

fn closes_who_says(line: &str) {
    let [mut a, mut b, mut c] = guests(serve(Chat::default()));
    a.say(line);
    assert!(matches!(a.0.read(&mut [0; 1]), Ok(0) | Err(_)), "it is closed");
    b.say("still here\n");
    assert_eq!(c.hear(), "still here\n");
}

#[test]
fn a_chat_closes_who_does_not_listen_and_goes_on() {
    let [mut a, mut b, deaf] = guests(serve(Chat::default()));
    let line = format!("{}\n", "x".repeat(1000));
    // More than the kernel's buffers and the bound, which the deaf one leaves unread.
    for _ in 0..20_000 {
        a.say(&line);
        assert_eq!(b.hear(), line);
    }
    let mut deaf = deaf.0.into_inner();
    let mut heard = Vec::new();
    let end = deaf.read_to_end(&mut heard);
    assert!(heard.len() < 20_000 * line.len(), "{end:?} after {} bytes", heard.len());
}
