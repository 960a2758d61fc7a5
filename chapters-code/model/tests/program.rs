//! A script as a program: it compiles without any crate, and prints what the kernel said.

use std::path::Path;
use std::process::Command;

use model::script::Kind;
use model::{Script, draw, generate, program, trial};

/// Compiles programs, all in one crate root each, and runs one after the other.
fn printed(name: &str, text: &str) -> String {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (source, binary) = (dir.join(format!("{name}.rs")), dir.join(name));
    std::fs::write(&source, text).unwrap();
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let out = ["--edition", "2024", "-D", "warnings", "-o"];
    let built =
        Command::new(rustc).args(out).arg(binary.as_os_str()).arg(&source).output().unwrap();
    assert!(built.status.success(), "{text}\n{}", String::from_utf8_lossy(&built.stderr));
    let run = Command::new(binary).output().unwrap();
    assert!(run.status.success(), "{text}\n{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap()
}

/// What the program should print of the kernel's answers.
fn answers(script: &Script) -> Vec<String> {
    let lines = trial::run(script).unwrap();
    assert!(lines.iter().all(trial::Line::agrees), "{script}");
    let mut said = Vec::new();
    for line in &lines {
        let [model, _] = draw::answers(line);
        let what = match (&line.kernel.events, line.kernel.polled) {
            (Some(_), _) => "wait: ",
            (_, Some(_)) => "poll: ",
            _ if line.step.asleep => "",
            _ => continue,
        };
        said.push(format!("{what}{}", model.join(" ")));
    }
    said
}

/// The lines that a program printed of its waits and polls.
fn waits(printed: &str) -> Vec<&str> {
    let says =
        |line: &&str| ["wait: ", "poll: ", "asleep: "].iter().any(|word| line.starts_with(word));
    printed.lines().filter(says).collect()
}

#[test]
fn a_script_of_each_kind_as_a_program_prints_what_the_kernel_said() {
    let scripts = [
        "tcp; add IN|OUT|ET; 2 add IN; wait; peer write 5; 2 peer write 1; wait 1; wait 1; read 5; \
         dup 3; close; peer close; wait; 3 add RDHUP; wait; poll; 3 read 1",
        "unix; add OUT|ET; fill; wait; peer drain; wait; shutdown; peer shutdown; wait; del; wait",
        "pipe; add IN|ET; peer write 5; wait; peer write 5; wait; read 10; peer close; wait; poll",
        "pipe; add OUT|ET; fill; wait; peer read 5000; wait; peer close; wait",
        "eventfd; add IN|OUT|ET; fill; wait; read; wait; peer write 3; mod IN|ONESHOT; wait; wait",
        "udp; add IN|ET; peer write 0; wait; drain; peer close; write 1; wait; read 1; wait",
        "listener; add IN|ET; peer connect; wait; accept; peer connect; peer close; wait; drain",
        "tcp; add IN|RDHUP; asleep peer write 5; wait; drain; wait; peer reset; wait; read 1; wait",
    ];
    for (at, script) in scripts.iter().enumerate() {
        let script: Script = script.parse().unwrap();
        let lines = trial::run(&script).unwrap();
        let text = program(&script, &lines);
        assert!(text.lines().count() < 220 && !text.contains("// Here"), "{text}");
        let printed = printed(&format!("script_{at}"), &text);
        assert_eq!(waits(&printed), answers(&script), "{script}\n{text}");
    }
}

#[test]
fn any_script_is_a_program_that_compiles() {
    // All in one: each becomes a module with a `main` of its own.
    let mut all = String::from("fn main() {}\n");
    for (at, kind) in Kind::ALL.into_iter().enumerate() {
        for n in 0..12 {
            let script = generate::nth(3, kind, n);
            let text = program(&script, &[]).replace("#![allow(unused)]\n", "");
            all += &format!("#[allow(unused)]\nmod script_{at}_{n} {{\n{text}\n}}\n");
        }
    }
    printed("any", &all);
}
