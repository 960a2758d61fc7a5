//! Accepting everybody who waits.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use my_mio::net::{TcpListener, TcpStream};

/// A listener, and whether somebody waits there of whom no event will tell.
#[derive(Debug)]
pub struct Door {
    listener: TcpListener,
    /// Accepting stopped for want of descriptors or memory, and somebody may wait. Try again when some
    /// are free, and after a while.
    pub somebody_waits: bool,
}

impl Door {
    /// A door at which nobody is known to wait.
    pub fn new(listener: TcpListener) -> Door {
        Door { listener, somebody_waits: false }
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    // ANCHOR: accept_all
    /// Accepts everybody who waits, and gives each to `welcome`. What is one client's error ends that
    /// client alone. Where there is no descriptor or memory left it stops, which is no error, and
    /// `somebody_waits` is true; however else it ends, that is false. An error is the listener's.
    pub fn accept_all(&mut self, mut welcome: impl FnMut(TcpStream)) -> io::Result<()> {
        // FORK server: accept until nobody waits, whatever goes wrong with one of them
        // HINT: One event may stand for a thousand clients. What does an accept say that has found
        //   nobody? accept(2), under ERRORS.
        // HINT: The note has a table of errors, with four rows. Which functions of this file tell
        //   which row an error is of, and after which rows does somebody perhaps still wait?
        // HINT: A loop around one accept. Of its five outcomes two go on, two end it without an error,
        //   one of these with a note for later, and one is handed up.
        self.somebody_waits = false;
        loop {
            match self.listener.accept() {
                Ok((stream, _address)) => welcome(stream),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if is_full(&error) => {
                    self.somebody_waits = true;
                    return Ok(());
                }
                Err(error) if is_the_clients(&error) => continue,
                Err(error) => return Err(error),
            }
        }
    }
    // ANCHOR_END: accept_all
}

// ANCHOR: errors
/// The process or the system has no descriptor left, or no memory, or may not accept now. The
/// kernel says so before it looks at the queue: a client that waits still waits.
fn is_full(error: &io::Error) -> bool {
    use libc::{EMFILE, ENFILE, ENOBUFS, ENOMEM, EPERM};
    matches!(error.raw_os_error(), Some(EMFILE | ENFILE | ENOBUFS | ENOMEM | EPERM))
}

/// One connection is gone already, or an error was waiting on it; see accept(2), *Error handling*.
fn is_the_clients(error: &io::Error) -> bool {
    use libc::{ECONNABORTED, EHOSTDOWN, EHOSTUNREACH, EINTR, ENETDOWN, ENETUNREACH, ENONET};
    use libc::{ENOPROTOOPT, EPROTO};
    let gone = [
        ECONNABORTED,
        EHOSTDOWN,
        EHOSTUNREACH,
        EINTR,
        ENETDOWN,
        ENETUNREACH,
        ENONET,
        ENOPROTOOPT,
        EPROTO,
    ];
    error.raw_os_error().is_some_and(|code| gone.contains(&code))
}
// ANCHOR_END: errors

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_clients_or_the_servers_or_the_listeners() {
        let of = |code| {
            let error = io::Error::from_raw_os_error(code);
            (is_the_clients(&error), is_full(&error))
        };
        assert_eq!(of(libc::ECONNABORTED), (true, false));
        assert_eq!(of(libc::EPROTO), (true, false));
        assert_eq!(of(libc::EMFILE), (false, true));
        assert_eq!(of(libc::ENFILE), (false, true));
        assert_eq!(of(libc::EBADF), (false, false));
        assert_eq!(of(libc::EINVAL), (false, false));
    }
}
