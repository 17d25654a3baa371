//! Search filters, from values. Nothing is ever pasted into text, so nothing has to be escaped.

use rasn_ldap::{AttributeValueAssertion, Filter};

/// The attribute has this value.
#[must_use]
pub fn equal(attribute: &str, value: &[u8]) -> Filter {
    let value = value.to_vec().into();
    Filter::EqualityMatch(AttributeValueAssertion::new(attribute.into(), value))
}

/// The attribute is there.
#[must_use]
pub fn present(attribute: &str) -> Filter {
    Filter::Present(attribute.into())
}

/// Every one of these holds.
#[must_use]
pub fn all(filters: Vec<Filter>) -> Filter {
    Filter::And(rasn::types::SetOf::from_vec(filters))
}

/// A person of whom this holds.
#[must_use]
pub fn user(filter: Filter) -> Filter {
    all(vec![
        equal("objectCategory", b"person"),
        equal("objectClass", b"user"),
        filter,
    ])
}

/// One of these holds at least.
#[must_use]
pub fn any(filters: Vec<Filter>) -> Filter {
    Filter::Or(rasn::types::SetOf::from_vec(filters))
}
