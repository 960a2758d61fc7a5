//! Each rule by an example, in the model and on the kernel. That they hold in general is what
//! `tests/kernel.rs` tries.

use model::{Script, draw, trial};

/// Runs a script in both, and compares what the waits and polls say.
fn says(script: &str, expected: &[&str]) {
    let script: Script = script.parse().unwrap_or_else(|wrong| panic!("{wrong}"));
    let lines = trial::run(&script).unwrap();
    let table = draw::table(&script, &lines);
    assert!(lines.iter().all(|line| line.agrees()), "{table}");
    let asked =
        lines.iter().filter(|line| line.kernel.events.is_some() || line.kernel.polled.is_some());
    let said: Vec<String> = asked.map(|line| draw::said(&line.kernel).join(" ")).collect();
    assert_eq!(said, expected, "{table}");
}

/// The same script on TCP, on a Unix stream, and on the reading end of a pipe.
fn on_all_that_carry_bytes(script: &str, expected: &[&str]) {
    ["tcp", "unix", "pipe reader"]
        .iter()
        .for_each(|kind| says(&format!("{kind}; {script}"), expected));
}

#[test]
fn half_of_the_bytes_read_leaves_a_level_and_no_edge() {
    on_all_that_carry_bytes("add IN; peer write 100; wait; read 50; wait", &["1 IN", "1 IN"]);
    on_all_that_carry_bytes("add IN|ET; peer write 100; wait; read 50; wait", &["1 IN", "nothing"]);
}

#[test]
fn a_wake_makes_no_event_when_what_it_told_is_no_longer_true() {
    on_all_that_carry_bytes("add IN|ET; peer write 5; read 5; wait", &["nothing"]);
    on_all_that_carry_bytes(
        "add IN|ET; peer write 5; read 5; wait; peer write 5; wait",
        &["nothing", "1 IN"],
    );
}

#[test]
fn what_is_true_makes_no_edge_without_a_wake() {
    on_all_that_carry_bytes("add IN|ET; peer write 5; wait; wait", &["1 IN", "nothing"]);
    on_all_that_carry_bytes(
        "peer write 5; add IN|ET; wait; wait; mod IN|ET; wait",
        &["1 IN", "nothing", "1 IN"],
    );
}

#[test]
fn more_bytes_are_another_edge_whether_or_not_the_first_were_read() {
    on_all_that_carry_bytes("add IN|ET; peer write 5; wait; peer write 5; wait", &["1 IN", "1 IN"]);
}

#[test]
fn what_woke_an_entry_and_what_it_reports_need_not_be_the_same() {
    for kind in ["tcp", "unix"] {
        let add = format!("{kind}; add IN|OUT|ET; wait");
        says(&format!("{add}; peer write 5; read 5; wait"), &["1 OUT", "1 OUT"]);
        says(&format!("{add}; peer write 5; wait"), &["1 OUT", "1 IN|OUT"]);
    }
    says("eventfd; add IN|OUT|ET; wait; write 1; read; wait", &["1 OUT", "1 OUT"]);
}

#[test]
fn arrival_does_not_wake_who_asks_for_room_alone() {
    for kind in ["tcp", "unix", "udp"] {
        says(&format!("{kind}; add OUT|ET; wait; peer write 5; wait"), &["1 OUT", "nothing"]);
        says(&format!("{kind}; add OUT|PRI|ET; wait; peer write 5; wait"), &["1 OUT", "1 OUT"]);
    }
}

#[test]
fn a_change_of_state_wakes_whoever_asks_for_anything() {
    for kind in ["tcp", "unix"] {
        says(&format!("{kind}; add OUT|ET; wait; peer shutdown; wait"), &["1 OUT", "1 OUT"]);
        says(&format!("{kind}; add OUT|ET; wait; shutdown; wait"), &["1 OUT", "1 OUT"]);
    }
    says("udp; add OUT|ET; wait; shutdown; wait", &["1 OUT", "1 OUT"]);
}

#[test]
fn the_end_of_a_socket_is_input_and_the_end_of_a_pipe_is_not() {
    for kind in ["tcp", "unix"] {
        says(&format!("{kind}; add IN|RDHUP; peer shutdown; wait"), &["1 IN|RDHUP"]);
    }
    says("unix; add IN|RDHUP; peer close; wait", &["1 IN|RDHUP|HUP"]);
    says("tcp; add IN|RDHUP; peer close; wait", &["1 IN|RDHUP"]);
    says("pipe; add IN|RDHUP; peer close; wait", &["1 HUP"]);
    says("pipe; add OUT; peer close; wait; write 1; wait", &["1 OUT|ERR", "1 OUT|ERR"]);
}

#[test]
fn a_close_with_unread_bytes_is_a_reset() {
    says("tcp; add IN; write 1; peer close; wait; read 1; wait", &["1 IN|ERR|HUP", "1 IN|HUP"]);
    says("unix; add IN; write 1; peer close; wait; read 1; wait", &["1 IN|ERR|HUP", "1 IN|HUP"]);
    says(
        "unix; add IN; write 1; peer close; wait; write 1; wait",
        &["1 IN|ERR|HUP", "1 IN|ERR|HUP"],
    );
    says("tcp; add 0; peer close; write 1; wait", &["1 ERR|HUP"]);
}

#[test]
fn room_on_a_unix_stream_is_an_edge_for_every_buffer_that_is_freed() {
    says(
        "unix; add OUT|ET; wait; write 5; wait; peer read 1; wait; peer read 3; wait; peer read 1; wait",
        &["1 OUT", "nothing", "nothing", "nothing", "1 OUT"],
    );
}

#[test]
fn room_on_tcp_is_an_edge_only_after_there_was_none() {
    says("tcp; add OUT|ET; wait; write 5; peer read 5; wait", &["1 OUT", "nothing"]);
    says("tcp; add OUT|ET; wait; fill; wait; peer drain; wait", &["1 OUT", "nothing", "1 OUT"]);
}

#[test]
fn a_pipe_is_full_when_all_its_pages_are_in_use() {
    says(
        "pipe; add OUT|ET; fill; wait; peer read 4095; wait; peer read 1; wait; peer read 4096; wait",
        &["nothing", "nothing", "1 OUT", "nothing"],
    );
    says("pipe; add IN|ET; peer fill; wait; peer write 1; wait", &["1 IN", "1 IN"]);
}

#[test]
fn an_eventfd_wakes_readers_at_every_write_and_writers_at_every_read() {
    says(
        "eventfd; add IN|ET; write 1; wait; write 1; wait; write 0; wait",
        &["1 IN", "1 IN", "1 IN"],
    );
    says("eventfd; add OUT|ET; wait; write 5; wait; read; wait", &["1 OUT", "nothing", "1 OUT"]);
    says("eventfd; add OUT; fill; wait; read; wait", &["nothing", "1 OUT"]);
}

#[test]
fn a_listener_has_one_edge_for_clients_that_come_before_the_wait() {
    says(
        "listener; add IN|ET; peer connect; peer connect; peer connect; wait; accept; wait",
        &["1 IN", "nothing"],
    );
    says("listener; add IN; peer connect; peer reset; wait; accept; wait", &["1 IN", "nothing"]);
}

#[test]
fn a_datagram_that_is_refused_is_an_error_and_one_that_is_sent_is_room() {
    says("udp; add IN|ET; peer close; write 1; wait; read 1; wait", &["1 ERR", "nothing"]);
    says("udp; add OUT|ET; wait; write 1; wait", &["1 OUT", "1 OUT"]);
    says(
        "udp; add IN|ET; peer write 0; peer write 9; wait; read 1; wait; poll IN",
        &["1 IN", "nothing", "IN"],
    );
}

#[test]
fn a_level_is_reported_again_behind_all_others() {
    says(
        "unix; add IN; 2 add IN; 3 add IN; 3 peer write 1; peer write 1; 2 peer write 1; \
         wait 1; wait 1; wait 1; wait 2; wait",
        &["3 IN", "1 IN", "2 IN", "3 IN 1 IN", "2 IN 3 IN 1 IN"],
    );
}

#[test]
fn edges_that_find_no_room_stay_and_come_first() {
    says(
        "unix; add IN|ET; 2 add IN|ET; peer write 1; 2 peer write 1; wait 1; peer write 1; wait; wait",
        &["1 IN", "2 IN 1 IN", "nothing"],
    );
}

#[test]
fn a_one_shot_entry_is_told_once_and_then_nothing_until_it_is_changed() {
    says(
        "unix; add IN|ONESHOT; peer write 1; wait; peer write 1; peer close; wait; mod IN|ONESHOT; wait",
        &["1 IN", "nothing", "1 IN|HUP"],
    );
}

#[test]
fn a_change_asks_anew_and_replaces_what_was_asked_for() {
    says(
        "unix; add OUT|ET; wait; peer write 1; mod IN|ET; wait; wait",
        &["1 OUT", "1 IN", "nothing"],
    );
}

#[test]
fn an_entry_outlives_its_descriptor_while_a_duplicate_is_open() {
    for kind in ["tcp", "unix"] {
        says(
            &format!("{kind}; dup; add IN; close; peer write 1; wait; del; wait"),
            &["1 IN", "1 IN"],
        );
        says(&format!("{kind}; add IN; close; peer write 1; wait"), &["nothing"]);
        says(&format!("{kind}; dup 2; add IN; close; 2 close; peer write 1; wait"), &["nothing"]);
    }
}

#[test]
fn of_two_entries_for_one_socket_a_wake_finds_the_newer_first() {
    says("unix; dup 2; add IN; 2 add IN; peer write 1; wait", &["2 IN 1 IN"]);
    says("unix; dup 2; add IN|EXCLUSIVE; 2 add IN|EXCLUSIVE; peer write 1; wait", &["1 IN 2 IN"]);
}

#[test]
fn an_exclusive_entry_that_finds_a_sleeper_keeps_the_wake() {
    says("unix; dup 2; add IN|EXCLUSIVE; 2 add IN|EXCLUSIVE; asleep peer write 1; wait", &["1 IN"]);
    says("unix; dup 2; add IN; 2 add IN; asleep peer write 1; wait", &["2 IN 1 IN"]);
}

#[test]
fn poll_says_what_is_true_and_takes_nothing() {
    says(
        "unix; add IN|ET; peer write 1; poll; poll IN; wait; poll; close; poll",
        &["IN|OUT", "IN", "1 IN", "IN|OUT", "NVAL"],
    );
}

#[test]
fn where_the_kernel_may_do_so_or_so_the_model_names_all_ways_and_why() {
    let ways = |script: &str| {
        let script: Script = script.parse().unwrap();
        let lines = trial::run(&script).unwrap();
        let last = lines.last().unwrap();
        assert!(last.agrees(), "{}", draw::table(&script, &lines));
        (last.outcomes().len(), last.why())
    };
    let (count, why) = ways("tcp; add OUT|ET; shutdown; wait; wait");
    assert_eq!(count, 2);
    assert!(why[0].contains("acknowledgement of its own FIN"), "{why:?}");
    let (count, why) = ways("tcp; add IN|ET; asleep peer reset");
    assert_eq!((count, why.len()), (1, 0), "all ways look the same");
    let (count, why) = ways("unix; dup 2; add IN; 2 add IN; asleep peer write 1");
    assert_eq!(count, 2);
    assert!(why[0].contains("asleep"), "{why:?}");
}
