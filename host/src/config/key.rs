//! Names a value in full, such as `senders.twilio.timeout` or `policies[3].link[0].order`.

use std::fmt;

/// The way to a value, as a list on the stack: only a fault ever spells it out.
#[derive(Clone, Copy)]
pub(super) struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    step: Step<'p>,
}

/// One step of the way.
#[derive(Clone, Copy)]
pub(super) enum Step<'p> {
    Root,
    Key(&'p str),
    Item(usize),
}

impl<'p> Path<'p> {
    /// The document itself.
    pub const ROOT: Path<'static> = Path {
        parent: None,
        step: Step::Root,
    };

    /// One step further.
    pub fn child(&'p self, step: Step<'p>) -> Path<'p> {
        Path {
            parent: Some(self),
            step,
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Item(index) => write!(f, "[{index}]"),
            Step::Key(key) => {
                let first = self.parent.is_none_or(|p| matches!(p.step, Step::Root));
                let dot = if first { "" } else { "." };
                let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
                match !key.is_empty() && key.chars().all(bare) {
                    true => write!(f, "{dot}{key}"),
                    false => write!(f, "{dot}{key:?}"),
                }
            }
        }
    }
}
