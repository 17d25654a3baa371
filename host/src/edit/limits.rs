//! Orders about `[limits]`: how many texts may go where, and what happens at the limit.

use std::path::PathBuf;

use toml_edit::{Array, InlineTable, Item, TableLike, Value};

use super::{draft::Draft, error::EditError, order::Order, tables};
use crate::{
    ledger::{Daily, Limit, Limits, Mode, Scope},
    protocol::Event,
};

/// Changes a limit. What is not named stays; with the default where nothing is configured.
#[derive(Debug, Clone)]
pub struct SetLimit {
    /// Which.
    pub key: Scope,
    /// Its figures, each `COUNT/WINDOW`; none of them lifts it. `None`: as they are.
    pub limits: Option<Vec<String>>,
    /// What happens at the limit. `None`: as it is.
    pub mode: Option<Mode>,
}

/// Takes a limit out of the configuration: its default holds again.
#[derive(Debug, Clone)]
pub struct ResetLimit {
    /// Which.
    pub key: Scope,
}

impl Order for SetLimit {
    type Done = PathBuf;

    fn make(&self, draft: &mut Draft) -> Result<PathBuf, EditError> {
        let figures = self.figures()?;
        let now = draft.config().limits.clone();
        let is_new = !now.is_configured(self.key);
        draft.main(|document| {
            let limits = tables::table(document.as_table_mut(), &["limits"])?;
            let key = self.key.key();
            if is_new {
                limits.insert(
                    key,
                    Item::Value(Value::InlineTable(as_it_is(self.key, &now))),
                );
            }
            let limit = limits.get_mut(key).and_then(Item::as_table_like_mut);
            let limit = limit
                .ok_or_else(|| EditError::refused(format!("limits.{key} is not a section")))?;
            if let Some(figures) = figures {
                tables::set(limit, "limits", list(&figures));
            }
            match (self.key, self.mode) {
                (_, None) => {}
                (Scope::Daily, Some(mode)) => tables::set(limit, "enforce", events(mode)),
                (_, Some(mode)) => tables::set(limit, "mode", mode.as_str()),
            }
            Ok(())
        })
    }

    fn summary(&self) -> String {
        format!("change the limit {}", self.key.key())
    }
}

impl SetLimit {
    fn figures(&self) -> Result<Option<Vec<Limit>>, EditError> {
        let Some(limits) = &self.limits else {
            return Ok(None);
        };
        let other = match self.key {
            Scope::Unused => Some("unused has shares of a day and an hour"),
            Scope::Daily => Some("daily has a floor and times"),
            _ => None,
        };
        if let Some(what) = other {
            let words = format!("the limit {what}: change those with `textsender config edit`");
            return Err(EditError::Usage(words));
        }
        let parsed = limits.iter().map(|limit| limit.parse());
        let parsed: Result<Vec<Limit>, _> = parsed.collect();
        parsed
            .map(Some)
            .map_err(|error| EditError::Usage(error.to_string()))
    }
}

impl Order for ResetLimit {
    type Done = PathBuf;

    fn make(&self, draft: &mut Draft) -> Result<PathBuf, EditError> {
        draft.main(|document| {
            if let Some(limits) = tables::existing(document.as_table_mut(), &["limits"]) {
                limits.remove(self.key.key());
            }
            Ok(())
        })
    }

    fn summary(&self) -> String {
        format!("take the limit {} back to its default", self.key.key())
    }
}

/// A limit as it holds, to be written down.
fn as_it_is(key: Scope, limits: &Limits) -> InlineTable {
    let mut table = InlineTable::new();
    let into: &mut dyn TableLike = &mut table;
    match limits.rule(key) {
        Some(rule) => {
            tables::set(into, "limits", list(&rule.limits));
            tables::set(into, "mode", rule.mode.as_str());
        }
        None if key == Scope::Daily => {
            let daily = &limits.daily;
            let floor = daily.floor.unwrap_or(Daily::FLOOR);
            tables::set(into, "times", f64::from(daily.times) / 1000.0);
            tables::set(into, "floor", i64::from(floor));
            let enforce: Array = daily.enforce.iter().map(|event| event.as_str()).collect();
            tables::set(into, "enforce", enforce);
        }
        None => {
            let shares = limits.unused;
            for (key, share) in [("day", shares.day), ("hour", shares.hour)] {
                if let Some(thousandths) = share {
                    tables::set(into, key, f64::from(thousandths) / 1000.0);
                }
            }
            tables::set(into, "mode", shares.mode.as_str());
        }
    }
    table
}

/// The events for which the bound of a day refuses.
fn events(mode: Mode) -> Array {
    match mode {
        Mode::Enforce => [Event::Enroll, Event::Reset]
            .map(Event::as_str)
            .into_iter()
            .collect(),
        Mode::Record => Array::new(),
    }
}

fn list(limits: &[Limit]) -> Array {
    limits.iter().map(Limit::to_string).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::edit::Editor;

    /// The configuration after an order.
    fn after<O: Order>(before: &str, order: &O) -> String {
        let folder = tempfile::tempdir().unwrap();
        let main = folder.path().join("textsender.toml");
        fs::write(&main, before).unwrap();
        Editor::new(&main).force(true).apply(order).unwrap();
        fs::read_to_string(&main).unwrap()
    }

    fn set(key: Scope, limits: Option<&[&str]>, mode: Option<Mode>) -> SetLimit {
        let limits = limits.map(|limits| limits.iter().map(ToString::to_string).collect());
        SetLimit { key, limits, mode }
    }

    #[test]
    fn what_is_not_named_stays_and_a_default_is_written_down_with_it() {
        let recipient = |limits, mode| set(Scope::Recipient, limits, mode);
        for (before, order, expected) in [
            (
                "",
                recipient(None, Some(Mode::Record)),
                "[limits]\nrecipient = { limits = [\"5/10m\", \"20/1d\"], mode = \"record\" }\n",
            ),
            (
                "[limits]\nrecipient = { limits = [\"3/1h\"] } # why\n",
                recipient(None, Some(Mode::Record)),
                "[limits]\nrecipient = { limits = [\"3/1h\"] , mode = \"record\" } # why\n",
            ),
            (
                "[limits.recipient]\nlimits = [\"3/1h\"] # why\nmode = \"record\"\n",
                recipient(Some(&["4/1h", "9/1d"]), None),
                "[limits.recipient]\nlimits = [\"4/1h\", \"9/1d\"] # why\nmode = \"record\"\n",
            ),
            (
                "",
                set(Scope::Prefix, Some(&[]), None),
                "[limits]\nprefix = { limits = [], mode = \"record\" }\n",
            ),
            (
                "",
                set(Scope::Unused, None, Some(Mode::Enforce)),
                "[limits]\nunused = { day = 0.3, hour = 0.2, mode = \"enforce\" }\n",
            ),
            (
                "",
                set(Scope::Daily, None, Some(Mode::Enforce)),
                "[limits]\ndaily = { times = 2.0, floor = 7500, enforce = [\"enroll\", \"reset\"] }\n",
            ),
        ] {
            assert_eq!(after(before, &order), expected);
        }
    }

    #[test]
    fn a_limit_is_taken_back_to_its_default() {
        let reset = ResetLimit { key: Scope::Prefix };
        let before = "[limits]\nprefix = { limits = [] }\nall = { limits = [\"1/1s\"] }\n";
        let expected = "[limits]\nall = { limits = [\"1/1s\"] }\n";
        assert_eq!(after(before, &reset), expected);
    }
}
