//! What a script may look like, and what is said of one that may not.

use model::script::{Call, Kind, Side, Step, What};
use model::{Flags, Script, Wrong};

fn wrong(script: &str) -> Wrong {
    script.parse::<Script>().expect_err(script)
}

#[test]
fn a_line_is_a_script() {
    let script: Script =
        "unix; 2 pipe writer; add EPOLLIN | et; asleep 2 peer read 7; wait 3;".parse().unwrap();
    assert_eq!(script.kinds.into_iter().collect::<Vec<_>>(), [(1, Kind::Unix), (2, Kind::Writer)]);
    let step = |of, asleep, what| Step { of, asleep, what };
    assert_eq!(
        script.steps,
        [
            step(1, false, What::Add(Flags::IN | Flags::ET)),
            step(2, true, What::Peer(Call::Read(7))),
            step(1, false, What::Wait(3)),
        ]
    );
}

#[test]
fn the_kind_may_stand_before_the_first_step_and_is_tcp_if_none_is_named() {
    let kind = |script: &str| script.parse::<Script>().unwrap().kinds[&1];
    assert_eq!(kind("wait"), Kind::Tcp);
    assert_eq!(kind("udp; wait"), Kind::Udp);
    assert_eq!(kind("udp wait"), Kind::Udp);
    assert_eq!(kind("listener\nadd IN;\n\n wait"), Kind::Listener);
}

#[test]
fn the_steps_tell_which_end_of_a_pipe_is_watched() {
    let kind = |script: &str| script.parse::<Script>().unwrap().kinds[&1];
    assert_eq!(kind("pipe; add IN; peer write 1; wait"), Kind::Reader);
    assert_eq!(kind("pipe; add OUT; peer fill; wait"), Kind::Reader);
    assert_eq!(kind("pipe; add IN; fill; wait"), Kind::Writer);
    assert_eq!(kind("pipe; dup 2; 2 write 1"), Kind::Writer);
    assert_eq!(kind("pipe; add OUT; wait"), Kind::Writer);
    assert_eq!(kind("pipe; add IN|OUT; peer close; wait"), Kind::Reader);
    assert_eq!(kind("pipe writer; add IN; wait"), Kind::Writer);
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_what_would_be_right() {
    let cases = [
        ("", "", "no step; for example"),
        (";;", "", "no step"),
        ("unix", "unix", "no step"),
        (
            "add IN; frobnicate; wait",
            "frobnicate",
            "`frobnicate` is no step; the steps are add, mod",
        ),
        ("add IN; peer accept", "peer accept", "the listener accepts: `accept`"),
        ("peer", "peer", "`peer` does what? One of read, write"),
        ("peer wait", "peer wait", "`wait` is no step; the steps are read, write"),
        ("add", "add", "`add FLAGS`, for example `add IN|ET`"),
        ("add IN|EDGE", "add IN|EDGE", "`EDGE` is no flag; the flags are IN, PRI"),
        ("add NVAL", "add NVAL", "`NVAL` is no flag"),
        ("poll ET", "poll ET", "`ET` is nothing for poll(2)"),
        ("write", "write", "`write N`, N bytes"),
        ("read -1", "read -1", "`-1` is no number of bytes from 0 to 16777216"),
        ("write 16777217", "write 16777217", "at most 16777216 bytes"),
        ("wait 0", "wait 0", "room for N events, from 1 to 1024"),
        ("2 wait", "2 wait", "a wait is for all descriptors"),
        ("asleep wait", "asleep wait", "`asleep` stands before what wakes the sleeper"),
        ("0 add IN", "0 add IN", "numbered from 1 to 64"),
        ("2", "2", "a step is missing"),
        ("add IN wait", "add IN wait", "`wait` is no flag"),
        ("close wait", "close wait", "`wait` is too much after `close`; steps are parted by `;`"),
        ("add IN; unix; wait", "unix", "what is watched stands first, and once"),
        ("2 add IN; 2 unix; wait", "2 unix", "stands before its first step"),
        ("unix reader; wait", "unix reader", "only a pipe has a reader"),
        ("dup 2; dup 2", "dup 2", "there is a descriptor 2 already"),
        ("reset", "reset", "the other side resets: `peer reset`"),
        ("unix; peer reset", "peer reset", "only TCP has a reset"),
        ("pipe; read 1; write 1", "write 1", "for the other one begin with `pipe writer`"),
        ("pipe; shutdown", "shutdown", "only sockets are shut down"),
        ("eventfd; peer close", "peer close", "no other side to close"),
        ("udp; fill", "fill", "they are lost"),
        ("udp; write 65508", "write 65508", "at most 65507 bytes"),
        ("accept", "accept", "only a `listener` has clients"),
        ("listener; peer write 1", "peer write 1", "no client has come yet: `peer connect`"),
        ("listener; read 1", "read 1", "a listener accepts: `accept`"),
        ("listener; peer connect; peer read 1", "peer read 1", "the last client"),
        ("pipe; dup 2; 2 peer write 1; 2 peer read 1", "2 peer read 1", "begin with `pipe writer`"),
    ];
    for (script, place, right) in cases {
        let wrong = wrong(script);
        assert_eq!(&wrong.script[wrong.at.clone()], place, "{wrong}");
        assert!(wrong.what.contains(right), "{script}: {wrong}");
        let last = wrong.to_string().lines().last().unwrap().trim_start().len();
        assert_eq!(last, place.len().max(1), "{wrong}");
    }
    assert_eq!(wrong("pipe; shutdown").step, 2);
}

#[test]
fn every_call_of_every_kind_is_allowed_or_refused_with_words() {
    let calls = [
        Call::Read(1),
        Call::Write(1),
        Call::Fill,
        Call::Drain,
        Call::Shutdown,
        Call::Close,
        Call::Reset,
        Call::Accept,
        Call::Connect,
    ];
    for kind in Kind::ALL {
        for side in [Side::Own, Side::Peer] {
            for call in calls.into_iter().filter(|call| side == Side::Peer || *call != Call::Close)
            {
                let peer = if side == Side::Peer { "peer " } else { "" };
                let client = if kind == Kind::Listener { "peer connect; " } else { "" };
                let script = format!(
                    "{kind}; {client}add IN|OUT|ET; {peer}{call}; wait; {peer}{call}; wait"
                );
                match (script.parse::<Script>(), kind.allows(side, call)) {
                    (Ok(script), Ok(())) => {
                        let lines = model::trial::run(&script).unwrap();
                        assert!(lines.iter().all(|line| line.agrees()), "{script}");
                    }
                    (Err(wrong), Err(why)) => assert!(!why.is_empty() && wrong.what.len() > 20),
                    (Err(wrong), Ok(())) => panic!("{wrong}"),
                    (Ok(script), Err(why)) => panic!("{script}: {why}"),
                }
            }
        }
    }
}
