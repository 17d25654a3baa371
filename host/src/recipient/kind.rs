//! [`Kind`]: what sort of line a number belongs to, and which sorts are not texted unless configured.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The sort of line behind a number, in libphonenumber's division.
///
/// An unassigned number has the kind that most numbers around it have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Kind {
    /// A mobile telephone.
    Mobile,
    /// A landline. Most take no texts, so that only those who want them text them ([`Recipient::is_landline`]).
    ///
    /// [`Recipient::is_landline`]: super::Recipient::is_landline
    Fixed,
    /// A region that gives both the same numbers, as North America does.
    FixedOrMobile,
    /// Charged at a rate of its own, part of which goes to its holder.
    Premium,
    /// The caller and the holder share the charge.
    SharedCost,
    /// Free to call; the holder pays.
    TollFree,
    /// Follows its holder from line to line (the United Kingdom's 070, North America's 500).
    Personal,
    /// A pager.
    Pager,
    /// One number for a whole company ("universal access number").
    Uan,
    /// Reaches a voice mailbox, not a telephone.
    Voicemail,
    /// Telephony over the internet.
    Voip,
}

impl Kind {
    /// Every kind, at the place of its number.
    pub const ALL: [Self; 11] = [
        Self::Mobile,
        Self::Fixed,
        Self::FixedOrMobile,
        Self::Premium,
        Self::SharedCost,
        Self::TollFree,
        Self::Personal,
        Self::Pager,
        Self::Uan,
        Self::Voicemail,
        Self::Voip,
    ];

    /// The name used in configuration and output: `fixed_or_mobile`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mobile => "mobile",
            Self::Fixed => "fixed",
            Self::FixedOrMobile => "fixed_or_mobile",
            Self::Premium => "premium",
            Self::SharedCost => "shared_cost",
            Self::TollFree => "toll_free",
            Self::Personal => "personal",
            Self::Pager => "pager",
            Self::Uan => "uan",
            Self::Voicemail => "voicemail",
            Self::Voip => "voip",
        }
    }

    /// The kind of this name. A landline has two: `fixed` in output, `fixed_line` in `kinds` too.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        if name == "fixed_line" {
            return Some(Self::Fixed);
        }
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether messages to this kind are refused unless the administrator allows them.
    ///
    /// Two reasons. *Premium*, *shared cost* and *personal* numbers pay their holder for what arrives:
    /// anyone who can type a number into a password reset could have the company's account pay out to it
    /// ("artificially inflated traffic"). *Toll free*, *pager*, *universal access* and *voicemail* numbers are
    /// answered by machines and switchboards: a code sent there reaches no user, or the wrong one.
    ///
    /// VoIP lines are not refused: many take texts, and users have nothing else. Of a landline more has to be
    /// known, as an unassigned number may become a mobile one.
    #[must_use]
    pub fn is_refused_by_default(self) -> bool {
        match self {
            Self::Premium | Self::SharedCost | Self::Personal => true,
            Self::TollFree | Self::Pager | Self::Uan | Self::Voicemail => true,
            Self::Mobile | Self::Fixed | Self::FixedOrMobile | Self::Voip => false,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_kind_stands_at_its_number_and_has_one_name() {
        for (number, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, number);
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }

    #[test]
    fn what_pays_its_holder_or_reaches_nobody_is_refused() {
        let refused = Kind::ALL
            .into_iter()
            .filter(|kind| kind.is_refused_by_default())
            .map(Kind::as_str);
        let expected = [
            "premium",
            "shared_cost",
            "toll_free",
            "personal",
            "pager",
            "uan",
            "voicemail",
        ];
        assert_eq!(refused.collect::<Vec<_>>(), expected);
    }
}
