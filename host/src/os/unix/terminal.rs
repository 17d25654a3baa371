//! A terminal: how wide it is, and that it does not show what is typed.

use std::io;

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize, tcsetattr,
};

/// How many characters a line of standard output's terminal has; `None` where it is none, or does not say.
pub fn width() -> Option<usize> {
    let size = tcgetwinsize(io::stdout()).ok()?;
    Some(size.ws_col.into()).filter(|width| *width > 0)
}

/// Standard input's terminal, which shows nothing of what is typed and gives each key as it comes,
/// until this is dropped.
pub struct Hidden(Termios);

impl Hidden {
    /// Hides what is typed from now on.
    ///
    /// # Errors
    ///
    /// Standard input is no terminal, or one that can't do this.
    pub fn begin() -> io::Result<Self> {
        let stdin = io::stdin();
        let before = tcgetattr(&stdin)?;
        let mut hidden = before.clone();
        // Without ISIG a Ctrl-C comes as a character: the terminal is put right before it ends us.
        hidden.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        hidden.special_codes[SpecialCodeIndex::VMIN] = 1;
        hidden.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(&stdin, OptionalActions::Flush, &hidden)?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // It was set a moment ago; should it fail now, there is nothing else to try.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}
