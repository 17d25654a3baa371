//! A number on the command line: others on this machine can see the arguments of a command, so `-` reads
//! it from standard input.

use std::io::{self, Read};

/// The longest number that is read from standard input, in bytes.
const LONGEST: u64 = 64;

/// The number that an argument stands for, as it is written.
///
/// # Errors
///
/// Standard input can't be read.
pub(super) fn read(argument: &str) -> io::Result<String> {
    if argument != "-" {
        return Ok(argument.to_owned());
    }
    let mut written = String::new();
    io::stdin()
        .lock()
        .take(LONGEST)
        .read_to_string(&mut written)?;
    Ok(written.trim().to_owned())
}
