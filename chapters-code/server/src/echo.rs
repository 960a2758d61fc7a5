//! Sends back what comes.

use std::io;

use my_mio::Token;

use crate::client::{BOUND, Client};
use crate::{Clients, Service, Turn};

/// Sends back what comes. It does not read from a client that does not read.
#[derive(Debug)]
pub struct Echo;

/// How many reads make a turn.
const READS: usize = 16;

// ANCHOR: service
impl Service for Echo {
    fn turn(&mut self, token: Token, clients: &mut Clients) -> Turn {
        let Some(client) = clients.get_mut(&token) else { return Turn::Waits };
        let turn = echo(client);
        let over = client.ended && client.unsent.is_empty();
        if turn.is_err() || over {
            clients.remove(&token);
        }
        turn.unwrap_or(Turn::Waits)
    }
}
// ANCHOR_END: service

// ANCHOR: echo
/// Reads and writes until the socket says that it can't go on, or for one turn.
fn echo(client: &mut Client) -> io::Result<Turn> {
    let mut buffer = [0; 4096];
    for _ in 0..READS {
        client.flush()?;
        if client.ended || client.unsent.len() >= BOUND {
            return Ok(Turn::Waits);
        }
        match client.read(&mut buffer)? {
            Some(bytes) => client.unsent.extend_from_slice(bytes),
            None => return Ok(Turn::Waits),
        }
    }
    Ok(Turn::Unfinished)
}
// ANCHOR_END: echo
