//! An entry of an answer.

use rasn_ldap::SearchResultEntry;

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Its name, as the server writes it.
    pub dn: String,
    attributes: Vec<(String, Vec<Vec<u8>>)>,
}

impl Entry {
    pub(super) fn new(found: SearchResultEntry) -> Self {
        let attributes = found.attributes.into_iter().map(|attribute| {
            let values = attribute.vals.into_vec().into_iter();
            let values = values.map(|value| value.to_vec()).collect();
            (attribute.r#type.0, values)
        });
        Self {
            dn: found.object_name.0,
            attributes: attributes.collect(),
        }
    }

    /// All values of an attribute; none where it is absent.
    #[must_use]
    pub fn values(&self, name: &str) -> &[Vec<u8>] {
        let mut attributes = self.attributes.iter();
        let found = attributes.find(|(kind, _)| kind.eq_ignore_ascii_case(name));
        found.map_or(&[], |(_, values)| values)
    }

    /// The first value.
    #[must_use]
    pub fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.values(name).first().map(Vec::as_slice)
    }

    /// The first value, if it is text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.bytes(name)?).ok()
    }

    /// The first value, if it is a number.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }
}

#[cfg(test)]
impl Entry {
    /// An entry for a test.
    pub fn of(dn: &str, attributes: &[(&str, &[u8])]) -> Self {
        let attributes = attributes.iter();
        Self {
            dn: dn.to_owned(),
            attributes: attributes
                .map(|(name, value)| ((*name).to_owned(), vec![value.to_vec()]))
                .collect(),
        }
    }
}
