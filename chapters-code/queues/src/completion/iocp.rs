//! I/O completion ports, Windows.

use std::io;
use std::net::TcpStream;
use std::os::windows::io::{AsRawHandle, AsRawSocket, FromRawHandle, OwnedHandle};
use std::ptr::{NonNull, null_mut, without_provenance_mut};

use windows_sys::Win32::Foundation::{HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::Networking::WinSock::{
    SOCKET, WSA_IO_PENDING, WSABUF, WSAGetLastError, WSARecv,
};
use windows_sys::Win32::System::IO::{
    CancelIoEx, CreateIoCompletionPort, GetQueuedCompletionStatus, OVERLAPPED,
};
use windows_sys::Win32::System::Threading::INFINITE;

use super::Completion;

/// A completion port.
pub struct Port {
    port: OwnedHandle,
    /// What Windows keeps of each read, by token. The vector never grows, so nothing in it moves.
    overlapped: Vec<OVERLAPPED>,
}

// SAFETY: `next` returns a token when the port has its packet, which Windows posts when it is done
// with buffer and `OVERLAPPED`.
unsafe impl Completion for Port {
    fn new(sockets: &[TcpStream]) -> io::Result<Port> {
        let new = associate(INVALID_HANDLE_VALUE, null_mut(), 0)?;
        // SAFETY: the call has just returned the handle, so it is open and nobody else owns it.
        let port = unsafe { OwnedHandle::from_raw_handle(new) };
        for (key, socket) in sockets.iter().enumerate() {
            associate(handle(socket), port.as_raw_handle(), key)?;
        }
        let overlapped = vec![OVERLAPPED::default(); sockets.len()];
        Ok(Port { port, overlapped })
    }

    // ANCHOR: queue
    unsafe fn begin(
        &mut self,
        token: usize,
        from: &TcpStream,
        into: NonNull<[u8]>,
    ) -> io::Result<()> {
        let socket = from.as_raw_socket() as SOCKET;
        let buffer = WSABUF { len: into.len() as u32, buf: into.cast().as_ptr() };
        let (overlapped, mut flags) = (self.overlapped(token), 0);
        // SAFETY: the caller sees to the socket and to what the buffer names, and to it that no other
        // read uses `overlapped`, which lives as long as the port. The rest is for the call only.
        let error = unsafe {
            overlapped.write(OVERLAPPED::default());
            match WSARecv(socket, &buffer, 1, null_mut(), &mut flags, overlapped, None) {
                0 => return Ok(()), // A packet comes all the same.
                _ => WSAGetLastError(),
            }
        };
        if error == WSA_IO_PENDING { Ok(()) } else { Err(io::Error::from_raw_os_error(error)) }
    }
    // ANCHOR_END: queue

    // ANCHOR: next
    fn next(&mut self) -> io::Result<(usize, io::Result<usize>)> {
        let (mut read, mut token, mut overlapped) = (0, 0, null_mut());
        let port = self.port.as_raw_handle();
        // SAFETY: the port is open, and the kernel writes to three variables, during the call.
        let ok = unsafe {
            GetQueuedCompletionStatus(port, &mut read, &mut token, &mut overlapped, INFINITE)
        };
        match (ok, overlapped.is_null()) {
            (0, true) => Err(io::Error::last_os_error()),
            (0, false) => Ok((token, Err(io::Error::last_os_error()))),
            _ => Ok((token, Ok(read as usize))),
        }
    }
    // ANCHOR_END: next

    fn cancel(&mut self, token: usize, socket: &TcpStream) -> io::Result<()> {
        // SAFETY: the socket is open, and the pointer only names the read. The call fails where the
        // read is done already, and then its packet is at the port.
        unsafe { CancelIoEx(handle(socket), self.overlapped(token)) };
        Ok(())
    }
}

impl Port {
    /// Where Windows keeps what it needs of a read.
    fn overlapped(&mut self, token: usize) -> *mut OVERLAPPED {
        assert!(token < self.overlapped.len());
        // A pointer, as a reference to the vector's content would claim those in flight as well.
        // SAFETY: it points into the vector.
        unsafe { self.overlapped.as_mut_ptr().add(token) }
    }
}

/// A socket as what it is to the kernel.
fn handle(socket: &TcpStream) -> HANDLE {
    without_provenance_mut(socket.as_raw_socket() as usize)
}

/// Makes a port, or has `port` report what is done with `handle`, under a key.
fn associate(handle: HANDLE, port: HANDLE, key: usize) -> io::Result<HANDLE> {
    // SAFETY: the call takes handles and a number, and no pointer.
    let port = unsafe { CreateIoCompletionPort(handle, port, key, 0) };
    if port.is_null() { Err(io::Error::last_os_error()) } else { Ok(port) }
}

impl std::fmt::Debug for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Port").field("port", &self.port).finish_non_exhaustive()
    }
}
