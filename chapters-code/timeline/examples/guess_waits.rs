//! How long the four guesses take.

use std::io;

use timeline::two::GUESSES;

fn main() -> io::Result<()> {
    for (number, guess) in (1..).zip(GUESSES) {
        println!("{number}  {:>3} ms  {}", guess.took()?.as_millis(), guess.code);
    }
    Ok(())
}
