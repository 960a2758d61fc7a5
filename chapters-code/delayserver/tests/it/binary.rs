//! The program: its flags, its log and its signals.

use crate::client::{AGES, Client, DEADLINE, eventually};
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

/// A running `delayserver`, killed if the test ends before it does.
struct Program {
    child: Child,
    addr: SocketAddr,
    log: Receiver<String>,
}

impl Program {
    fn start(flags: &[&str], log_level: &str) -> Self {
        let mut child = command(flags).env("RUST_LOG", log_level).spawn().expect("start");
        let stdout = lines(child.stdout.take().expect("stdout"));
        let log = lines(child.stderr.take().expect("stderr"));
        let line = stdout.recv_timeout(DEADLINE).expect("the address");
        let addr = line.strip_prefix("listening on http://").expect("the address");
        Self { child, addr: addr.parse().expect("an address"), log }
    }

    fn signal(&self, name: &str) {
        let mut kill = Command::new("kill");
        let status = kill.args(["-s", name, &self.child.id().to_string()]).status();
        assert!(status.expect("kill").success());
    }

    /// Waits for a line of the log that contains `words`.
    fn logs(&self, words: &str) -> String {
        loop {
            let line = self.log.recv_timeout(DEADLINE).expect(words);
            if line.contains(words) {
                return line;
            }
        }
    }

    fn end(&mut self) -> ExitStatus {
        let mut status = None;
        eventually("the program ends", || {
            status = self.child.try_wait().expect("wait");
            status.is_some()
        });
        status.expect("it has ended")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // An error means that it has ended already.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn command(flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_delayserver"));
    command.args(flags).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Reads on a thread, so that a test can stop waiting for a line that does not come.
fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        BufReader::new(from).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    lines
}

const FREE_PORT: &[&str] = &["--addr", "127.0.0.1:0"];

#[test]
fn a_request_is_one_line_of_the_log() {
    let mut program = Program::start(FREE_PORT, "info");
    Client::connect(program.addr).ask("GET", "/10/logged%0Aonce");
    let line = program.logs("logged");
    assert!(line.contains("GET /10/logged%0Aonce: 200 after "), "{line}");
    Client::connect(program.addr).ask("GET", "/nowhere");
    assert!(program.logs("nowhere").contains("GET /nowhere: 404 after "));
    program.signal("TERM");
    assert!(program.end().success());
}

#[test]
fn rust_log_silences_it() {
    let mut program = Program::start(FREE_PORT, "off");
    Client::connect(program.addr).ask("GET", "/0/unlogged");
    program.signal("TERM");
    assert!(program.end().success());
    assert_eq!(program.log.iter().count(), 0);
}

#[test]
fn max_delay_is_a_flag() {
    let program = Program::start(&["--addr", "127.0.0.1:0", "--max-delay", "20"], "info");
    let mut client = Client::connect(program.addr);
    assert_eq!(client.ask("GET", "/20/allowed").body, "allowed");
    assert!(client.ask("GET", "/21/refused").body.contains("from 0 to 20."));
}

#[test]
fn ctrl_c_ends_it_while_connections_are_held_open() {
    let mut program = Program::start(FREE_PORT, "info");
    let mut idle = Client::connect(program.addr);
    idle.ask("GET", "/0/served");
    let mut half_sent = Client::connect(program.addr);
    half_sent.send("GET /0/half HTT");
    program.signal("INT");
    assert_eq!(program.end().code(), Some(0));
    assert_eq!(idle.rest(), "");
}

#[test]
fn sigterm_lets_a_waiting_request_finish() {
    let mut program = Program::start(FREE_PORT, "debug");
    let mut client = Client::connect(program.addr);
    client.get("/1000/in-flight");
    program.logs("GET /1000/in-flight");
    program.signal("TERM");
    assert_eq!(client.reply().body, "in-flight");
    assert_eq!(program.end().code(), Some(0));
}

#[test]
fn while_a_request_waits_ctrl_c_closes_all_else() {
    let program = Program::start(FREE_PORT, "debug");
    let mut idle = Client::connect(program.addr);
    idle.ask("GET", "/0/served");
    let mut waiting = Client::connect(program.addr);
    waiting.get(AGES);
    program.logs("GET /60000/ages");
    program.signal("INT");
    assert_eq!(idle.rest(), "");
    eventually("nobody listens", || TcpStream::connect(program.addr).is_err());
}

#[test]
fn a_second_ctrl_c_ends_it_at_once() {
    let mut program = Program::start(FREE_PORT, "debug");
    let mut client = Client::connect(program.addr);
    client.get(AGES);
    program.logs("GET /60000/ages");
    program.signal("INT");
    program.logs("stopping");
    program.signal("INT");
    assert_eq!(program.end().code(), Some(1));
    assert_eq!(client.rest(), "");
}

#[test]
fn a_port_in_use_is_an_error_that_says_what_to_type() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("bind");
    let addr = taken.local_addr().expect("address").to_string();
    let output = command(&["--addr", &addr]).output().expect("run");
    let error = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.starts_with(&format!("delayserver: can't listen on {addr}: ")), "{error}");
    assert!(error.contains("Something listens there already"), "{error}");
    assert!(error.ends_with("take a free port: --addr 127.0.0.1:0\n"), "{error}");
}

#[test]
fn an_address_of_another_machine_is_an_error_that_says_what_to_type() {
    // 192.0.2.0/24 is set aside for documentation: no machine has such an address.
    let output = command(&["--addr", "192.0.2.1:8080"]).output().expect("run");
    let error = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.ends_with("--addr 127.0.0.1:0\n"), "{error}");
}
