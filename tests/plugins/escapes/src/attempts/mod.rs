//! The attempts, each by name.

mod allowed;
mod files;
mod network;
mod others;
mod processes;

use std::{collections::BTreeMap, io};

use crate::surroundings::Surroundings;

/// What an attempt may use.
pub struct Place {
    moment: &'static str,
    around: Surroundings,
}

impl Place {
    /// A path in the folder of this moment.
    fn path(&self, name: &str) -> String {
        format!("{}/{}/{name}", self.around.folder, self.moment)
    }
}

/// An attempt: `Ok` if it succeeded.
type Attempt = fn(&Place) -> io::Result<()>;

/// Makes every attempt.
pub fn all(moment: &'static str, around: Option<Surroundings>) -> BTreeMap<&'static str, String> {
    let Some(around) = around else {
        return [("surroundings", "failed: the tests wrote none".to_owned())].into();
    };
    let place = Place { moment, around };
    let attempts = [
        allowed::ATTEMPTS,
        files::ATTEMPTS,
        network::ATTEMPTS,
        others::ATTEMPTS,
        processes::ATTEMPTS,
    ];
    let attempts = attempts.into_iter().flatten();
    attempts
        .map(|(name, attempt)| (*name, told(attempt(&place))))
        .collect()
}

fn told(result: io::Result<()>) -> String {
    match result {
        Ok(()) => "succeeded".into(),
        Err(error) => match error.raw_os_error() {
            Some(libc::EPERM | libc::EACCES | libc::ENOSYS) => "refused".into(),
            _ => format!("failed: {error}"),
        },
    }
}

/// The result of a system call.
fn checked(result: libc::c_long) -> io::Result<libc::c_long> {
    match result {
        -1 => Err(io::Error::last_os_error()),
        result => Ok(result),
    }
}

/// A call with arguments that are no use: it got through if the kernel finds fault with them.
fn reaches(result: libc::c_long, fault: libc::c_int) -> io::Result<()> {
    match checked(result) {
        Ok(_) => Ok(()),
        Err(error) if error.raw_os_error() == Some(fault) => Ok(()),
        Err(error) => Err(error),
    }
}

fn c_string(text: &str) -> io::Result<std::ffi::CString> {
    Ok(std::ffi::CString::new(text)?)
}
