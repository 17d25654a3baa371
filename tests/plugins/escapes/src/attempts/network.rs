//! Reaching others by sockets.

use std::{
    io,
    mem::size_of,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    os::{
        fd::{FromRawFd, OwnedFd},
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr as UnixAddr, UnixStream},
    },
};

use super::{Attempt, checked};

pub const ATTEMPTS: &[(&str, Attempt)] = &[
    ("connect_tcp", |place| connect(place.around.tcp)),
    ("connect_tcp_to_granted_port", |place| {
        connect(place.around.granted)
    }),
    ("connect_tcp_by_first_write", |place| {
        connect_by_write(place.around.tcp)
    }),
    ("connect_mptcp", |place| {
        let socket = socket(libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_MPTCP)?;
        connect_with(&socket, place.around.tcp)
    }),
    ("send_udp", |place| {
        let socket = UdpSocket::bind(here(0))?;
        socket.send_to(b"escaped", here(place.around.udp)).map(drop)
    }),
    ("connect_unix", |place| {
        UnixStream::connect(&place.around.unix).map(drop)
    }),
    ("connect_unix_abstract", |place| {
        let address = UnixAddr::from_abstract_name(&place.around.abstract_name)?;
        UnixStream::connect_addr(&address).map(drop)
    }),
    ("bind_tcp", |_| TcpListener::bind(here(0)).map(drop)),
    ("unix_pair", |_| UnixStream::pair().map(drop)),
    ("raw_socket", |_| {
        socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP).map(drop)
    }),
    ("netlink_socket", |_| {
        socket(libc::AF_NETLINK, libc::SOCK_RAW, 0).map(drop)
    }),
    ("packet_socket", |_| {
        socket(libc::AF_PACKET, libc::SOCK_RAW, 0).map(drop)
    }),
    ("vsock_socket", |_| {
        socket(libc::AF_VSOCK, libc::SOCK_STREAM, 0).map(drop)
    }),
    ("turn_tcp_into_another_protocol", |_| {
        let socket = socket(libc::AF_INET, libc::SOCK_STREAM, 0)?;
        let name = b"smc\0";
        // SAFETY: four bytes of a name.
        let result = unsafe {
            libc::setsockopt(
                std::os::fd::AsRawFd::as_raw_fd(&socket),
                libc::IPPROTO_TCP,
                libc::TCP_ULP,
                name.as_ptr().cast(),
                4,
            )
        };
        // A kernel that does not know the protocol looked at its name.
        super::reaches(result.into(), libc::ENOENT)
    }),
];

fn here(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

fn connect(port: u16) -> io::Result<()> {
    TcpStream::connect(here(port)).map(drop)
}

fn socket(family: i32, kind: i32, protocol: i32) -> io::Result<OwnedFd> {
    // SAFETY: makes a descriptor.
    let descriptor = checked(unsafe { libc::socket(family, kind, protocol) }.into())?;
    // SAFETY: it is new, and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor as i32) })
}

fn address(port: u16) -> libc::sockaddr_in {
    libc::sockaddr_in {
        sin_family: libc::AF_INET as u16,
        sin_port: port.to_be(),
        sin_addr: libc::in_addr {
            s_addr: u32::from(Ipv4Addr::LOCALHOST).to_be(),
        },
        sin_zero: [0; 8],
    }
}

const LENGTH: u32 = size_of::<libc::sockaddr_in>() as u32;

fn connect_with(socket: &OwnedFd, port: u16) -> io::Result<()> {
    let address = address(port);
    // SAFETY: an open socket, and an address of its family and length.
    let result = unsafe {
        libc::connect(
            std::os::fd::AsRawFd::as_raw_fd(socket),
            (&raw const address).cast(),
            LENGTH,
        )
    };
    checked(result.into()).map(drop)
}

/// TCP Fast Open: the first write makes the connection, and no call named connect is made.
fn connect_by_write(port: u16) -> io::Result<()> {
    let socket = socket(libc::AF_INET, libc::SOCK_STREAM, 0)?;
    let address = address(port);
    // SAFETY: an open socket, seven bytes, and an address of its family and length.
    let sent = unsafe {
        libc::sendto(
            std::os::fd::AsRawFd::as_raw_fd(&socket),
            b"escaped".as_ptr().cast(),
            7,
            libc::MSG_FASTOPEN,
            (&raw const address).cast(),
            LENGTH,
        )
    };
    checked(sent as libc::c_long).map(drop)
}
