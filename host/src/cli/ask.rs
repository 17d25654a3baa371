//! Questions at a terminal, and their answers from standard input where there is none.

use std::io::{self, BufRead, IsTerminal, Read};

use anyhow::{Context, bail};
use textsender_plugin_api::Secret;

use super::output::{Usage, notice, question};
use crate::os::terminal::Hidden;

/// The longest answer, in bytes: a private key in PEM is shorter.
const LONGEST: u64 = 64 * 1024;

/// Whether a person can be asked.
pub(super) fn is_terminal() -> bool {
    io::stdin().is_terminal()
}

/// Asks for a line at a terminal, or reads the next line of standard input. `missing` says what to
/// give when there is neither.
pub(super) fn line(prompt: &str, missing: &str) -> anyhow::Result<String> {
    match optional_line(prompt)? {
        Some(answer) => Ok(answer),
        None => bail!(Usage(missing.to_owned())),
    }
}

/// The same; an empty answer, or the end of standard input, is none.
pub(super) fn optional_line(prompt: &str) -> anyhow::Result<Option<String>> {
    if io::stdin().is_terminal() {
        question(format_args!("{prompt}: "));
    }
    let mut answer = String::new();
    let read = io::stdin().lock().take(LONGEST).read_line(&mut answer);
    read.context("standard input can't be read")?;
    let answer = answer.trim();
    Ok((!answer.is_empty()).then(|| answer.to_owned()))
}

/// Asks for a secret at a terminal, without echo, or reads standard input to its end.
pub(super) fn secret(prompt: &str) -> anyhow::Result<Secret> {
    let mut bytes = match io::stdin().is_terminal() {
        true => {
            let hidden = Hidden::begin().context("the terminal can't hide what is typed")?;
            question(format_args!("{prompt} (it is not shown): "));
            let typed = typed_line();
            drop(hidden);
            notice("");
            typed?
        }
        false => {
            let mut bytes = Vec::new();
            let mut stdin = io::stdin().lock().take(LONGEST + 1);
            stdin
                .read_to_end(&mut bytes)
                .context("standard input can't be read")?;
            bytes
        }
    };
    if bytes.len() as u64 > LONGEST {
        bail!("the secret is longer than {LONGEST} bytes");
    }
    while bytes.last().is_some_and(|b| b"\r\n".contains(b)) {
        bytes.pop();
    }
    let text = String::from_utf8(bytes);
    let secret = Secret::new(text.map_err(|_| anyhow::anyhow!("the secret is not UTF-8 text"))?);
    if secret.expose().is_empty() {
        bail!("the secret is empty; nothing was stored");
    }
    Ok(secret)
}

/// A line from a terminal that does not show it.
fn typed_line() -> anyhow::Result<Vec<u8>> {
    const INTERRUPT: u8 = 3;
    const END: u8 = 4;
    const BACKSPACE: u8 = 8;
    const ERASE_LINE: u8 = 21;
    const DELETE: u8 = 127;

    let mut line = Vec::new();
    for byte in io::stdin().lock().bytes() {
        match byte.context("the terminal can't be read")? {
            b'\r' | b'\n' | END => break,
            INTERRUPT => bail!("interrupted; nothing was stored"),
            BACKSPACE | DELETE => {
                // A character of UTF-8 ends before its first byte.
                while line.pop().is_some_and(|b| b & 0xC0 == 0x80) {}
            }
            ERASE_LINE => line.clear(),
            byte => line.push(byte),
        }
    }
    Ok(line)
}
