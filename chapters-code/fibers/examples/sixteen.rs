//! Locals of three alignments on a stack that is right, and on one that is off by eight: each in a
//! process of its own, which may die.

use std::env;
use std::process::Command;

use fibers::begin::{on_a_stack, stores_8, stores_16, stores_32};

// ANCHOR: sixteen
fn main() -> std::io::Result<()> {
    let stores = [("8", stores_8 as fibers::switch::First), ("16", stores_16), ("32", stores_32)];
    if let [align, off_by] = &env::args().skip(1).collect::<Vec<_>>()[..] {
        lab::fatal::tell();
        let (_, first) = stores.iter().find(|(name, _)| name == align).expect("8, 16 or 32");
        on_a_stack(*first, off_by.parse().expect("a number"));
        return Ok(());
    }
    println!("a local aligned to   right     off by eight");
    for (align, _) in stores {
        let ends = |off_by: &str| {
            let mut child = Command::new(env::current_exe()?);
            let ended = child.args([align, off_by]).output()?;
            let died = String::from_utf8_lossy(&ended.stderr).trim().to_owned();
            std::io::Result::Ok(if ended.status.success() { "stored".into() } else { died })
        };
        println!("{align:<18}   {}    {}", ends("0")?, ends("8")?);
    }
    Ok(())
}
// ANCHOR_END: sixteen
