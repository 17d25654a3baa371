//! The operating system: everything that is not the same on each, behind one seam.
//!
//! No other room names `libc`, `rustix` or a module of the standard library for one system; a test
//! sees to it. A port fills in the second column of this table, each function with the same
//! signature. [`seal`] says by itself what a system can't do, so that nothing is claimed for it.
//!
//! | module | what another system has to give |
//! |---|---|
//! | [`accounts`] | whose process this is; accounts by name and number; to become another one, for good |
//! | [`rights`] | owner and mode of a file; making files and folders with a mode; what this account may do with a path |
//! | [`acl`] | who may write to a file beside its owner |
//! | [`folders`] | folders by open handles, and what is done in them |
//! | [`identity`] | which file a name leads to, and a stamp that shows any change of it |
//! | [`disk`] | whether a disk is full, and the name of a network file system |
//! | [`pipes`] | the two pipes of a host process; waiting for input; whether a reader went away |
//! | [`limits`] | the names of the limits that a call ran into; room below one; living with another |
//! | [`terminal`] | typing that is not shown |
//! | [`socket`] | sockets at a path, and who connected; sockets of the service manager |
//! | [`signals`] | the request to end |
//! | [`library`] | what a shared library's bytes say; loading it |
//! | [`process`] | starting this executable as a host process; its limits; a mark of this boot and the time since; the machine's name |
//! | [`seal`] | a library's bytes fixed in memory, and the seal itself |
//!
//! Locks need nothing here: those of [`std::fs::File`] are held by a process and end with it, on
//! every system.
//!
//! [`seal::Image`] and [`seal::apply`] are Linux's (`linux/`); elsewhere the file itself is loaded, and
//! nothing is sealed (`other.rs`). All else is any Unix's (`unix/`).

#![allow(unsafe_code)]

pub mod seal;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::{
    accounts, acl, disk, folders, identity, library, limits, log, pipes, process, rights, signals,
    socket, terminal,
};

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
use other as system;
