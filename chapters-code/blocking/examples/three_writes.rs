//! The same bytes to the same descriptor, by hand, through libc and through std.

use std::io::{self, Write};

use blocking::write::{by_asm, by_libc};

fn main() -> io::Result<()> {
    // ANCHOR: three
    let mut stdout = io::stdout().lock();
    by_asm(&stdout, b"hello\n")?;
    by_libc(&stdout, b"hello\n")?;
    stdout.write_all(b"hello\n")?;
    // ANCHOR_END: three
    Ok(())
}
