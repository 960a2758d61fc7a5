//! What the reader types: one key at a time on a terminal, the first letter of each line elsewhere.

use std::io::{self, IsTerminal, Read, stdin};

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

/// Where the keys come from.
pub enum Keys {
    /// A terminal.
    Terminal,
    /// A file or a pipe.
    Lines,
}

impl Keys {
    /// Those of the standard input.
    pub fn of_stdin() -> Keys {
        if stdin().is_terminal() { Keys::Terminal } else { Keys::Lines }
    }

    /// The next key; `None` at the end of the input, and where the reader breaks off. An empty line
    /// is a line feed.
    pub fn next(&self) -> io::Result<Option<char>> {
        match self {
            Keys::Terminal => {
                let _raw = Raw::begin()?;
                // Ctrl-C and Ctrl-D.
                Ok(character()?.filter(|key| !['\x03', '\x04'].contains(key)))
            }
            Keys::Lines => {
                let mut line = String::new();
                let read = stdin().read_line(&mut line)?;
                let first = line.trim_start_matches([' ', '\t']).chars().next();
                Ok((read > 0).then(|| first.unwrap_or('\n')).filter(|key| *key != '\x04'))
            }
        }
    }
}

/// One character, of several bytes perhaps.
fn character() -> io::Result<Option<char>> {
    let mut bytes = Vec::new();
    let mut one = [0];
    while bytes.len() < 4 {
        if stdin().read(&mut one)? == 0 {
            return Ok(None);
        }
        bytes.push(one[0]);
        if let Ok(text) = std::str::from_utf8(&bytes) {
            return Ok(text.chars().next());
        }
    }
    Ok(Some(char::REPLACEMENT_CHARACTER))
}

/// The terminal, giving keys as they are typed and showing none, until this is dropped.
struct Raw(Termios);

impl Raw {
    fn begin() -> io::Result<Raw> {
        let usual = tcgetattr(stdin())?;
        let mut raw = usual.clone();
        // No signals either: one would end this before the terminal is as it was.
        raw.local_modes -= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
        raw.special_codes[SpecialCodeIndex::VMIN] = 1;
        raw.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(stdin(), OptionalActions::Now, &raw)?;
        Ok(Raw(usual))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.0);
    }
}
