//! Four bytes from the same descriptor, by hand, through libc and through std.

use std::fs::File;
use std::io::{self, Read};

use blocking::read::{by_asm, by_libc};

fn main() -> io::Result<()> {
    // ANCHOR: three
    let mut zeros = File::open("/dev/zero")?;
    by_asm(&zeros, &mut [1; 4])?;
    by_libc(&zeros, &mut [1; 4])?;
    zeros.read_exact(&mut [1; 4])?;
    // ANCHOR_END: three
    Ok(())
}
