//! What a child process prints, as one source.

use std::io::{self, Read};
use std::process::Child;

use my_mio::event::Source;
use my_mio::unix::pipe::Receiver;
use my_mio::{Interest, Registry, Token};

// ANCHOR: output
/// What a child prints, on stdout or stderr: two pipes, and one token for both.
pub struct Output {
    out: Receiver,
    err: Receiver,
}

impl Source for Output {
    fn register(&mut self, to: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        to.register(&mut self.out, token, interests)?;
        let both = to.register(&mut self.err, token, interests);
        both.or_else(|error| to.deregister(&mut self.out).and(Err(error)))
    }

    fn reregister(&mut self, to: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        to.reregister(&mut self.out, token, interests)?;
        to.reregister(&mut self.err, token, interests)
    }

    fn deregister(&mut self, from: &Registry) -> io::Result<()> {
        from.deregister(&mut self.out).and(from.deregister(&mut self.err))
    }
}
// ANCHOR_END: output

impl Output {
    /// Takes over both pipes of a child that was started with them.
    pub fn of(child: &mut Child) -> io::Result<Output> {
        let missing = || io::Error::other("the child was started without its pipes");
        let out = Receiver::from(child.stdout.take().ok_or_else(missing)?);
        let err = Receiver::from(child.stderr.take().ok_or_else(missing)?);
        out.set_nonblocking(true)?;
        err.set_nonblocking(true)?;
        Ok(Output { out, err })
    }

    /// Appends what has been printed, and says whether the child may yet print.
    pub fn read(&mut self, printed: &mut [Vec<u8>; 2]) -> io::Result<bool> {
        let mut open = false;
        for (pipe, printed) in [&mut self.out, &mut self.err].into_iter().zip(printed) {
            // Whatever was read before an error stays in the buffer.
            match pipe.read_to_end(printed) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => open = true,
                Err(error) => return Err(error),
            }
        }
        Ok(open)
    }
}
