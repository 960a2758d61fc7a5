//! Addresses as the kernel reads and writes them.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net;

// ANCHOR: address
/// A `struct sockaddr` of any family, and how much of it counts.
pub(crate) struct Address {
    bytes: Bytes,
    len: libc::socklen_t,
}

/// All begin with the family.
#[repr(C)]
union Bytes {
    any: libc::sockaddr_storage,
    v4: libc::sockaddr_in,
    v6: libc::sockaddr_in6,
    unix: libc::sockaddr_un,
}

impl Address {
    /// Room for any address.
    pub(crate) fn empty() -> Address {
        // SAFETY: it is made of integers, for which zeroes are values.
        let bytes = Bytes { any: unsafe { std::mem::zeroed() } };
        Address { bytes, len: size_of::<Bytes>() as libc::socklen_t }
    }
}

impl Address {
    pub(crate) fn family(&self) -> i32 {
        // SAFETY: the family lies where all kinds have it, and every part of `bytes` is written.
        unsafe { self.bytes.any.ss_family.into() }
    }

    pub(crate) fn as_ptr(&self) -> *const libc::sockaddr {
        (&raw const self.bytes).cast()
    }

    pub(crate) fn len(&self) -> libc::socklen_t {
        self.len
    }

    /// Where the kernel may write: the address, and its length, which is the capacity before.
    pub(crate) fn as_mut_ptrs(&mut self) -> (*mut libc::sockaddr, *mut libc::socklen_t) {
        ((&raw mut self.bytes).cast(), &raw mut self.len)
    }
}
// ANCHOR_END: address

// ANCHOR: ip
impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Address {
        let mut raw = Address::empty();
        match address {
            SocketAddr::V4(v4) => {
                let sin_addr = libc::in_addr { s_addr: u32::from_ne_bytes(v4.ip().octets()) };
                let sin_family = libc::AF_INET as libc::sa_family_t;
                let sin_port = v4.port().to_be();
                raw.bytes.v4 =
                    libc::sockaddr_in { sin_family, sin_port, sin_addr, sin_zero: [0; 8] };
                raw.len = size_of::<libc::sockaddr_in>() as libc::socklen_t;
            }
            SocketAddr::V6(v6) => {
                raw.bytes.v6 = libc::sockaddr_in6 {
                    sin6_family: libc::AF_INET6 as libc::sa_family_t,
                    sin6_port: v6.port().to_be(),
                    sin6_flowinfo: v6.flowinfo(),
                    sin6_addr: libc::in6_addr { s6_addr: v6.ip().octets() },
                    sin6_scope_id: v6.scope_id(),
                };
                raw.len = size_of::<libc::sockaddr_in6>() as libc::socklen_t;
            }
        }
        raw
    }
}

impl TryFrom<Address> for SocketAddr {
    type Error = io::Error;

    fn try_from(raw: Address) -> io::Result<SocketAddr> {
        match raw.family() {
            libc::AF_INET => {
                // SAFETY: the family says that it is one of these.
                let v4 = unsafe { raw.bytes.v4 };
                let ip = Ipv4Addr::from(v4.sin_addr.s_addr.to_ne_bytes());
                Ok(SocketAddrV4::new(ip, u16::from_be(v4.sin_port)).into())
            }
            libc::AF_INET6 => {
                // SAFETY: the family says that it is one of these.
                let v6 = unsafe { raw.bytes.v6 };
                let (ip, port) = (Ipv6Addr::from(v6.sin6_addr.s6_addr), u16::from_be(v6.sin6_port));
                Ok(SocketAddrV6::new(ip, port, v6.sin6_flowinfo, v6.sin6_scope_id).into())
            }
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }
}
// ANCHOR_END: ip

// ANCHOR: unix
impl From<&net::SocketAddr> for Address {
    /// A path ends with a zero where there is room for it, an abstract name begins with one:
    /// unix(7).
    fn from(address: &net::SocketAddr) -> Address {
        let bytes: Vec<u8> = match (address.as_pathname(), address.as_abstract_name()) {
            (Some(path), _) => [path.as_os_str().as_bytes(), &[0]].concat(),
            (None, Some(name)) => [&[0], name].concat(),
            (None, None) => Vec::new(),
        };
        let mut raw = Address::empty();
        raw.bytes.unix = libc::sockaddr_un {
            sun_family: libc::AF_UNIX as libc::sa_family_t,
            sun_path: std::array::from_fn(|at| bytes.get(at).copied().unwrap_or(0) as libc::c_char),
        };
        let before = std::mem::offset_of!(libc::sockaddr_un, sun_path);
        let whole = size_of::<libc::sockaddr_un>();
        raw.len = whole.min(before + bytes.len()) as libc::socklen_t;
        raw
    }
}
// ANCHOR_END: unix
