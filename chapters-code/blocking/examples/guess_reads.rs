//! When each of two replies is taken, four times.

use std::io;

use blocking::held::GUESSES;

fn main() -> io::Result<()> {
    for (number, guess) in (1..).zip(GUESSES) {
        let [(first, bytes), (second, _)] = guess.taken()?;
        let empty = if bytes == 0 { ", empty" } else { "" };
        let [first, second] = [first, second].map(|at| at.as_millis());
        println!("{number}   reply 1 after {first} ms{empty}, reply 2 after {second} ms");
    }
    Ok(())
}
