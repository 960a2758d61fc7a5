//! A script as a small program, to paste where somebody else shall see it.

use std::fmt::Write as _;

use crate::draw;
use crate::script::{Call, Kind, Script, What};
use crate::trial::Line;

/// A program of std alone that makes the steps and prints what the waits return. What the model says
/// and what the kernel said stands in it, beside the step on which they differ.
pub fn program(script: &Script, lines: &[Line]) -> String {
    let mut main = String::new();
    for (n, kind) in &script.kinds {
        let _ = writeln!(main, "    let (own{n}, peer{n}) = {};", opened(*kind));
    }
    for (at, step) in script.steps.iter().enumerate() {
        if let Some(line) = lines.get(at).filter(|line| !line.agrees()) {
            let [model, kernel] = draw::answers(line).map(|answers| answers.join(" "));
            let _ = writeln!(main, "    // Here the model says {model}, the kernel {kernel}.");
        }
        let n = step.of;
        let peer = script.kinds.contains_key(&n).then_some(n);
        let peer = peer.unwrap_or_else(|| origin(script, n));
        let made = match step.what {
            What::Add(asks) => format!("control(epoll, ADD, own{n}, {n}, {:#x});", asks.0),
            What::Mod(asks) => format!("control(epoll, MOD, own{n}, {n}, {:#x});", asks.0),
            What::Del => format!("control(epoll, DEL, own{n}, {n}, 0);"),
            What::Dup(None) => format!("unsafe {{ fcntl(own{n}, 0, 100) }};"),
            What::Dup(Some(new)) => {
                // Each duplicate gets a number that nothing has had before.
                let least = 100 + new;
                format!(
                    "let (own{new}, peer{new}) = (unsafe {{ fcntl(own{n}, 0, {least}) }}, peer{peer});"
                )
            }
            What::Close => format!("unsafe {{ close(own{n}) }};"),
            What::Wait(room) => format!("println!(\"wait: {{}}\", wait(epoll, {room}, 0));"),
            What::Poll(asks) => {
                format!("println!(\"poll: {{}}\", ask(own{n}, {:#x}));", asks.0)
            }
            What::Own(call) => called(script.kinds[&peer], call, &format!("own{n}"), ""),
            What::Peer(call) => {
                called(script.kinds[&peer], call, &format!("peer{n}"), &format!("own{n}"))
            }
        };
        // A listener's peer is the client that came last.
        let made = match step.what {
            What::Peer(Call::Connect) => format!("let peer{n} = connect(own{n});"),
            _ => made,
        };
        if step.asleep {
            main += "    let sleeper = std::thread::spawn(move || wait(epoll, 64, 300));\n";
            main += "    std::thread::sleep(std::time::Duration::from_millis(100));\n";
            let _ = writeln!(main, "    {made} // {}", step);
            main += "    println!(\"asleep: {}\", sleeper.join().unwrap());\n";
        } else {
            let _ = writeln!(main, "    {made} // {}", step);
        }
    }
    main.insert_str(0, "    let epoll = unsafe { epoll_create1(0) };\n");
    // A helper may use one that stands before it.
    let mut helpers = String::new();
    for (name, text) in HELPERS.iter().rev() {
        if main.contains(&format!("{name}(")) || helpers.contains(&format!("{name}(")) {
            helpers.insert_str(0, text);
        }
    }
    // Of the calls, those that are made.
    let made = |line: &&str| {
        let name = line.strip_prefix("    fn ").and_then(|rest| rest.split_once('('));
        name.is_none_or(|(name, _)| format!("{main}{helpers}").contains(&format!("{name}(")))
    };
    let head = HEAD.lines().filter(made).collect::<Vec<_>>().join("\n");
    format!("// {script}\n{head}\n{helpers}\nfn main() {{\n{main}}}\n")
}

fn origin(script: &Script, mut n: usize) -> usize {
    while !script.kinds.contains_key(&n) {
        let of = script.steps.iter().find(|step| step.what == What::Dup(Some(n)));
        n = of.map_or(1, |step| step.of);
    }
    n
}

fn opened(kind: Kind) -> String {
    match kind {
        Kind::Tcp => "tcp()".into(),
        Kind::Unix => "unix()".into(),
        Kind::Udp => "udp()".into(),
        Kind::Listener => "(listener(), -1)".into(),
        Kind::Eventfd => "eventfds()".into(),
        Kind::Reader => "pipe()".into(),
        Kind::Writer => "{ let (reader, writer) = pipe(); (writer, reader) }".into(),
    }
}

fn called(kind: Kind, call: Call, fd: &str, own: &str) -> String {
    let fd = if kind == Kind::Eventfd && !own.is_empty() { own } else { fd };
    match call {
        Call::Read(_) | Call::Drain if kind == Kind::Eventfd => format!("take({fd}, 8);"),
        Call::Write(n) if kind == Kind::Eventfd => format!("count({fd}, {n});"),
        Call::Fill if kind == Kind::Eventfd => {
            format!("for bit in (0..64).rev() {{ count({fd}, 1 << bit); }}")
        }
        Call::Read(n) => format!("take({fd}, {n});"),
        Call::Write(n) => format!("put({fd}, {n});"),
        Call::Fill if matches!(kind, Kind::Reader | Kind::Writer) => {
            format!("while put({fd}, 4096) > 0 {{}}")
        }
        Call::Fill => format!("while put({fd}, 32768) > 0 {{}}"),
        Call::Drain if kind == Kind::Listener => format!("while take_in({fd}) >= 0 {{}}"),
        Call::Drain if kind == Kind::Udp => format!("while take({fd}, 65536) >= 0 {{}}"),
        Call::Drain => format!("while take({fd}, 65536) > 0 {{}}"),
        Call::Shutdown => format!("finish({fd});"),
        Call::Close => format!("unsafe {{ close({fd}) }};"),
        Call::Reset => format!("reset({fd});"),
        Call::Accept => format!("take_in({fd});"),
        Call::Connect => String::new(),
    }
}

const HEAD: &str = r#"#![allow(unused)]
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{FromRawFd, IntoRawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

#[repr(C)]
#[cfg_attr(target_arch = "x86_64", repr(packed))]
#[derive(Clone, Copy)]
struct Event(u32, u64);

unsafe extern "C" {
    fn epoll_create1(flags: i32) -> i32;
    fn epoll_ctl(epoll: i32, op: i32, fd: i32, event: *mut Event) -> i32;
    fn epoll_wait(epoll: i32, events: *mut Event, room: i32, timeout: i32) -> i32;
    fn poll(fds: *mut Asked, count: u64, timeout: i32) -> i32;
    fn read(fd: i32, bytes: *mut u8, count: usize) -> isize;
    fn write(fd: i32, bytes: *const u8, count: usize) -> isize;
    fn close(fd: i32) -> i32;
    fn dup(fd: i32) -> i32;
    fn fcntl(fd: i32, what: i32, ...) -> i32;
    fn shutdown(fd: i32, how: i32) -> i32;
    fn accept(fd: i32, address: *mut u8, size: *mut u32) -> i32;
    fn setsockopt(fd: i32, level: i32, name: i32, value: *const [i32; 2], size: u32) -> i32;
    fn eventfd(count: u32, flags: i32) -> i32;
    fn pipe2(ends: *mut [i32; 2], flags: i32) -> i32;
}

const ADD: i32 = 1;
const DEL: i32 = 2;
const MOD: i32 = 3;
const O_NONBLOCK: i32 = 2048;

fn names(flags: u32) -> String {
    let all = [(1, "IN"), (2, "PRI"), (4, "OUT"), (0x2000, "RDHUP"), (8, "ERR"), (16, "HUP"), (32, "NVAL")];
    let names: Vec<_> = all.iter().filter(|(flag, _)| flags & flag != 0).map(|(_, name)| *name).collect();
    names.join("|")
}

"#;

const HELPERS: [(&str, &str); 16] = [
    (
        "pause",
        r#"
/// What is on its way over loopback arrives meanwhile.
fn pause() {
    std::thread::sleep(Duration::from_millis(5));
}
"#,
    ),
    (
        "control",
        r#"
fn control(epoll: i32, op: i32, fd: i32, n: u64, asks: u32) {
    if unsafe { epoll_ctl(epoll, op, fd, &mut Event(asks, n)) } != 0 {
        println!("{}", std::io::Error::last_os_error());
    }
}
"#,
    ),
    (
        "wait",
        r#"
fn wait(epoll: i32, room: i32, timeout: i32) -> String {
    let mut events = vec![Event(0, 0); room as usize];
    let count = unsafe { epoll_wait(epoll, events.as_mut_ptr(), room, timeout) };
    let said: Vec<_> = events[..count as usize].iter().map(|e| format!("{} {}", { e.1 }, names(e.0))).collect();
    if said.is_empty() { "nothing".into() } else { said.join(" ") }
}
"#,
    ),
    (
        "ask",
        r#"
#[repr(C)]
struct Asked(i32, i16, i16);

fn ask(fd: i32, asks: u32) -> String {
    let mut asked = Asked(fd, asks as i16, 0);
    unsafe { poll(&mut asked, 1, 0) };
    if asked.2 == 0 { "nothing".into() } else { names(asked.2 as u32) }
}
"#,
    ),
    (
        "put",
        r#"
fn put(fd: i32, count: usize) -> isize {
    let put = unsafe { write(fd, vec![b'x'; count].as_ptr(), count) };
    pause();
    put
}
"#,
    ),
    (
        "take",
        r#"
fn take(fd: i32, count: usize) -> isize {
    let taken = unsafe { read(fd, vec![0; count].as_mut_ptr(), count) };
    pause();
    taken
}
"#,
    ),
    (
        "count",
        r#"
fn count(fd: i32, n: u64) {
    unsafe { write(fd, n.to_ne_bytes().as_ptr(), 8) };
}
"#,
    ),
    (
        "take_in",
        r#"
fn take_in(listener: i32) -> i32 {
    unsafe { accept(listener, std::ptr::null_mut(), std::ptr::null_mut()) }
}
"#,
    ),
    (
        "finish",
        r#"
fn finish(fd: i32) {
    unsafe { shutdown(fd, 1) };
    pause();
}
"#,
    ),
    (
        "reset",
        r#"
fn reset(fd: i32) {
    unsafe { setsockopt(fd, 1, 13, &[1, 0], 8) };
    unsafe { close(fd) };
    pause();
}
"#,
    ),
    (
        "tcp",
        r#"
fn tcp() -> (i32, i32) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (peer, _) = listener.accept().unwrap();
    let ready = |stream: TcpStream| {
        stream.set_nodelay(true).unwrap();
        stream.set_nonblocking(true).unwrap();
        stream.into_raw_fd()
    };
    (ready(own), ready(peer))
}
"#,
    ),
    (
        "unix",
        r#"
fn unix() -> (i32, i32) {
    let (own, peer) = UnixStream::pair().unwrap();
    own.set_nonblocking(true).unwrap();
    peer.set_nonblocking(true).unwrap();
    (own.into_raw_fd(), peer.into_raw_fd())
}
"#,
    ),
    (
        "udp",
        r#"
fn udp() -> (i32, i32) {
    let [own, peer] = [0, 1].map(|_| UdpSocket::bind("127.0.0.1:0").unwrap());
    own.connect(peer.local_addr().unwrap()).unwrap();
    peer.connect(own.local_addr().unwrap()).unwrap();
    own.set_nonblocking(true).unwrap();
    peer.set_nonblocking(true).unwrap();
    (own.into_raw_fd(), peer.into_raw_fd())
}
"#,
    ),
    (
        "listener",
        r#"
fn listener() -> i32 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    listener.into_raw_fd()
}

fn connect(listener: i32) -> i32 {
    let listener = unsafe { TcpListener::from_raw_fd(dup(listener)) };
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    pause();
    client.into_raw_fd()
}
"#,
    ),
    (
        "eventfds",
        r#"
fn eventfds() -> (i32, i32) {
    let fd = unsafe { eventfd(0, O_NONBLOCK) };
    (fd, fd)
}
"#,
    ),
    (
        "pipe",
        r#"
fn pipe() -> (i32, i32) {
    let mut ends = [0; 2];
    unsafe { pipe2(&mut ends, O_NONBLOCK) };
    (ends[0], ends[1])
}
"#,
    ),
];
