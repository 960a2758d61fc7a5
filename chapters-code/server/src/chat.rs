//! Tells everybody else what somebody says.

use std::collections::HashMap;
use std::io;

use my_mio::Token;

use crate::client::BOUND;
use crate::{Clients, Service, Turn};

/// The longest line that somebody may say, in bytes.
pub const LONGEST_LINE: usize = 1024;

/// How many reads make a turn.
const READS: usize = 16;

/// Sends each line to everybody but its author. A client that does not read is closed: what others
/// say can't wait for it.
#[derive(Debug, Default)]
pub struct Chat {
    /// What each has said of a line that has not ended.
    begun: HashMap<Token, Vec<u8>>,
}

// ANCHOR: chat
impl Service for Chat {
    fn turn(&mut self, token: Token, clients: &mut Clients) -> Turn {
        let turn = self.listen(token, clients);
        if turn.is_err() || clients.get(&token).is_some_and(|client| client.ended) {
            clients.remove(&token);
        }
        // It has left, and so may have others who could not be told.
        self.begun.retain(|token, _| clients.contains_key(token));
        turn.unwrap_or(Turn::Waits)
    }
}

impl Chat {
    fn listen(&mut self, token: Token, clients: &mut Clients) -> io::Result<Turn> {
        let mut buffer = [0; 4096];
        for _ in 0..READS {
            let Some(client) = clients.get_mut(&token) else { return Ok(Turn::Waits) };
            client.flush()?;
            let Some(bytes) = client.read(&mut buffer)? else { return Ok(Turn::Waits) };
            if client.ended {
                return Ok(Turn::Waits);
            }
            let begun = self.begun.entry(token).or_default();
            begun.extend_from_slice(bytes);
            let lines = begun.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let said: Vec<u8> = begun.drain(..lines).collect();
            let longest = said.split(|byte| *byte == b'\n').map(<[u8]>::len).max().unwrap_or(0);
            if longest.max(begun.len()) > LONGEST_LINE {
                return Err(io::Error::other("the line is too long"));
            }
            tell(&said, token, clients);
        }
        Ok(Turn::Unfinished)
    }
}

/// Sends `said` to all but its author, and closes those who can't be told.
fn tell(said: &[u8], author: Token, clients: &mut Clients) {
    clients.retain(|token, client| {
        if *token == author {
            return true;
        }
        client.unsent.extend_from_slice(said);
        client.flush().is_ok() && client.unsent.len() <= BOUND
    });
}
// ANCHOR_END: chat
