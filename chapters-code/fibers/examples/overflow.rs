//! Three ways to leave a stack, without a guard and with one: each in a process of its own.

use std::env;
use std::io;
use std::process::Command;

use fibers::overflow::{
    changed_below, many_frames, one_large_frame, one_large_frame_without_probes,
};
use fibers::switch::First;

const WAYS: [(&str, First); 3] = [
    ("100 frames of 512 bytes", many_frames),
    ("one of 64 KiB", one_large_frame),
    ("the same, not probed", one_large_frame_without_probes),
];

fn main() -> io::Result<()> {
    if let [way, guard] = &env::args().skip(1).collect::<Vec<_>>()[..] {
        lab::fatal::tell();
        let (_, first) = WAYS[way.parse::<usize>().expect("a number")];
        // SAFETY: 64 KiB are less than what is below the stack.
        println!("{} bytes changed", about(unsafe { changed_below(first, guard == "guard") }?));
        return Ok(());
    }
    println!("a stack of 16 KiB         no guard                  a guard page below");
    for (way, (name, _)) in WAYS.iter().enumerate() {
        println!("{name:<24}  {:<24}  {}", ends(way, "none")?, ends(way, "guard")?);
    }
    Ok(())
}

/// Some of the bytes are of addresses, which differ from run to run, and one may be what was there before.
fn about(bytes: usize) -> String {
    match bytes {
        0..100 => bytes.to_string(),
        100..1_000 => format!("over {}", bytes / 100 * 100),
        _ => format!("over {}", bytes / 1_000 * 1_000),
    }
}

/// What the child said, of its bytes or of its death.
fn ends(way: usize, guard: &str) -> io::Result<String> {
    let ended = Command::new(env::current_exe()?).args([&way.to_string(), guard]).output()?;
    let said = if ended.status.success() { &ended.stdout } else { &ended.stderr };
    let said = String::from_utf8_lossy(said);
    let said = said.lines().last().unwrap_or("nothing");
    Ok(said.split(" at 0x").next().unwrap_or(said).to_owned())
}
