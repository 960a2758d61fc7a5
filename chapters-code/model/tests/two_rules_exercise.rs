//! What `wake` and `wait` owe a script. Each message has the script, what its waits had to say, and
//! what the model says.

use model::generate::{nth, shrink};
use model::script::Kind;
use model::trial::Line;
use model::{Script, draw, trial};

/// What the model says of the waits in a script, up to the first that the kernel answers otherwise.
#[track_caller]
fn must(script: &str, expected: &[&str]) {
    let parsed: Script = script.parse().unwrap_or_else(|wrong| panic!("{wrong}"));
    let lines = trial::run(&parsed).unwrap();
    let asked = |line: &&Line| line.kernel.events.is_some() || !line.agrees();
    let said: Vec<String> = lines.iter().filter(asked).map(says).collect();
    assert!(said == expected, "{script}: expected {expected:?}; got {said:?}");
}

/// What the model says of a step: where there are several ways, the one that the kernel went.
fn says(line: &Line) -> String {
    let went = line.outcomes().into_iter().find(|&outcome| *outcome == line.kernel);
    let outcome = went.unwrap_or_else(|| line.outcomes()[0]);
    draw::said(outcome).join(" ")
}

#[test]
fn without_a_wake_nothing_is_reported_again_that_is_still_true() {
    must("unix; add IN|ET; peer write 5; wait; wait", &["1 IN", "nothing"]);
}

#[test]
fn every_wake_is_an_event_of_an_edge() {
    must("unix; add IN|ET; peer write 5; wait; peer write 5; wait", &["1 IN", "1 IN"]);
}

#[test]
fn a_level_is_reported_for_as_long_as_it_is_true() {
    must("unix; add IN; peer write 5; wait; wait; read 5; wait", &["1 IN", "1 IN", "nothing"]);
}

#[test]
fn what_is_no_longer_true_is_not_reported() {
    must("unix; add IN|ET; peer write 5; read 5; wait", &["nothing"]);
}

#[test]
fn who_has_nothing_to_say_goes_off_the_list_and_the_next_is_asked() {
    must("unix; add IN|ET; 2 add IN|ET; peer write 5; 2 peer write 5; read 5; wait", &["2 IN"]);
}

#[test]
fn a_mark_does_not_outlive_a_silence() {
    // By the end entry 1 would be first if its mark were the old one.
    must(
        "unix; add IN|ET; 2 add IN|ET; peer write 5; read 5; wait; 2 peer write 5; peer write 5; wait",
        &["nothing", "2 IN 1 IN"],
    );
}

#[test]
fn what_woke_it_and_what_it_says_need_not_be_the_same() {
    must(
        "unix; add IN|OUT|ET; wait; peer write 5; read 5; wait; wait",
        &["1 OUT", "1 OUT", "nothing"],
    );
}

#[test]
fn events_stand_in_the_order_of_the_wakes() {
    must("unix; add IN; 2 add IN; 2 peer write 1; peer write 1; wait", &["2 IN 1 IN"]);
}

#[test]
fn a_wake_of_who_is_marked_changes_no_order() {
    must(
        "unix; add IN; 2 add IN; peer write 1; 2 peer write 1; peer write 1; wait",
        &["1 IN 2 IN"],
    );
}

#[test]
fn a_level_has_its_next_turn_behind_the_others() {
    must(
        "unix; add IN; 2 add IN; peer write 1; 2 peer write 1; wait 1; wait 1; wait 1",
        &["1 IN", "2 IN", "1 IN"],
    );
}

#[test]
fn an_edge_for_which_there_was_no_room_comes_first_at_the_next_wait() {
    must(
        "unix; add IN|ET; 2 add IN|ET; peer write 1; 2 peer write 1; wait 1; peer write 1; wait; wait",
        &["1 IN", "2 IN 1 IN", "nothing"],
    );
}

#[test]
fn a_one_shot_is_told_once_until_it_is_changed() {
    must(
        "unix; add IN|ONESHOT; peer write 1; wait; peer write 1; wait; mod IN|ONESHOT; wait",
        &["1 IN", "nothing", "1 IN"],
    );
}

#[test]
fn a_one_shot_that_was_told_does_not_hear_of_the_end() {
    must(
        "unix; add IN|ONESHOT; peer write 1; wait; peer close; wait; wait",
        &["1 IN", "nothing", "nothing"],
    );
}

#[test]
fn a_disabled_entry_has_no_place_in_the_list() {
    // Marked by the close, it would be first after the change.
    must(
        "unix; add IN|ONESHOT; 2 add IN; peer write 1; wait; peer close; 2 peer write 1; mod IN; wait",
        &["1 IN", "2 IN 1 IN|HUP"],
    );
}

#[test]
fn bytes_pass_by_who_asks_for_room_alone() {
    must("unix; add OUT|ET; wait; peer write 5; wait", &["1 OUT", "nothing"]);
}

#[test]
fn a_change_of_state_is_for_everybody() {
    must("unix; add OUT|ET; wait; peer shutdown; wait", &["1 OUT", "1 OUT"]);
}

#[test]
fn a_wake_is_for_all_entries_of_a_socket() {
    must("unix; dup 2; add IN|ET; 2 add IN|ET; peer write 1; wait", &["2 IN 1 IN"]);
}

#[test]
fn exclusive_entries_are_all_woken_while_nobody_sleeps() {
    must(
        "unix; dup 2; add IN|ET|EXCLUSIVE; 2 add IN|ET|EXCLUSIVE; peer write 1; wait",
        &["1 IN 2 IN"],
    );
}

#[test]
fn the_first_exclusive_entry_that_finds_a_sleeper_keeps_the_bytes() {
    must(
        "unix; dup 2; add IN|ET|EXCLUSIVE; 2 add IN|ET|EXCLUSIVE; asleep peer write 1; wait",
        &["nothing"],
    );
}

#[test]
fn a_change_of_state_is_for_all_exclusive_entries_too() {
    must(
        "unix; dup 2; add IN|EXCLUSIVE; 2 add IN|EXCLUSIVE; asleep peer shutdown; wait",
        &["1 IN 2 IN"],
    );
}

#[test]
fn who_was_woken_already_is_no_sleeper_for_an_exclusive_entry() {
    must(
        "unix; dup 2; dup 3; add IN; 2 add IN|EXCLUSIVE; 3 add IN|EXCLUSIVE; asleep peer write 5; wait",
        &["1 IN 2 IN 3 IN"],
    );
}

#[test]
fn a_disabled_entry_still_says_how() {
    let script = "unix; add IN|ET|ONESHOT; peer write 5; wait";
    let lines = trial::run(&script.parse().unwrap()).unwrap();
    let after = lines.last().unwrap().after().next().unwrap();
    let asks = after.interest().map(|(n, asks)| format!("{n} {asks}")).collect::<Vec<_>>();
    let expected = ["1 ONESHOT|ET"];
    assert!(
        asks == expected,
        "{script}: expected the interest list {expected:?} after it; got {asks:?}"
    );
}

/// Some hundred scripts, drawn at random and the same each time. The shortest that differs is printed.
fn drawn(kind: Kind) {
    // Whoever sleeps in a script may run sooner or later, and so find one thing or another.
    let awake = (0..).map(|n| nth(3, kind, n)).filter(|s| !s.steps.iter().any(|step| step.asleep));
    for script in awake.take(600) {
        if trial::differs(&script).unwrap() {
            let short = shrink(script, |script: &Script| trial::differs(script).unwrap());
            println!("{}", draw::table(&short, &trial::run(&short).unwrap()));
            panic!(
                "scripts of kind {kind}: expected what the kernel says; the table printed differs"
            );
        }
    }
}

#[test]
fn scripts_of_unix_streams_say_what_the_kernel_says() {
    drawn(Kind::Unix);
}

#[test]
fn scripts_of_pipes_that_are_read_say_what_the_kernel_says() {
    drawn(Kind::Reader);
}

#[test]
fn scripts_of_pipes_that_are_written_say_what_the_kernel_says() {
    drawn(Kind::Writer);
}

#[test]
fn scripts_of_eventfds_say_what_the_kernel_says() {
    drawn(Kind::Eventfd);
}
