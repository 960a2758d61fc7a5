//! A socket, a child process and a queue in memory, registered alike.

mod mailbox;
mod output;

use std::io::{self, Write};
use std::process::{Command, Stdio};
use std::thread;

use my_mio::event::Source;
use my_mio::net::UnixStream;
use my_mio::{Events, Interest, Poll, Token};

use mailbox::Mailbox;
use output::Output;

fn main() -> io::Result<()> {
    let (mut socket, mut peer) = UnixStream::pair()?;
    let mut child = Command::new("sh");
    child.args(["-c", "echo it went well; echo nearly >&2"]);
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut output = Output::of(&mut child)?;
    let (slot, mut mailbox) = Mailbox::new()?;

    // ANCHOR: register
    let mut poll = Poll::new()?;
    let sources: [&mut dyn Source; 3] = [&mut socket, &mut output, &mut mailbox];
    for (i, source) in sources.into_iter().enumerate() {
        poll.registry().register(source, Token(i), Interest::READABLE)?;
    }
    // ANCHOR_END: register

    let names = ["the socket", "the child", "the mailbox"];
    peer.write_all(b"hello")?;
    let postman = thread::spawn(move || (1..=3).try_for_each(|letter| slot.post(letter)));
    let (mut told, mut printed, mut letters) = ([false; 3], [vec![], vec![]], vec![]);
    let mut child_is_open = true;
    let mut events = Events::with_capacity(8);
    while child_is_open || letters.len() < 3 || told.contains(&false) {
        poll.poll(&mut events, None)?;
        events.iter().for_each(|event| told[event.token().0] = true);
        child_is_open = output.read(&mut printed)?;
        letters.extend(mailbox.letters()?);
    }
    let reported = names.iter().zip(told).filter(|(_, told)| *told);
    println!("reported: {}", reported.map(|(name, _)| *name).collect::<Vec<_>>().join(", "));
    println!("in the mailbox: {letters:?}");
    println!(
        "from the child: {:?}",
        printed.map(|text| String::from_utf8_lossy(&text).into_owned())
    );
    child.wait()?;
    postman.join().expect("the postman panicked")
}
