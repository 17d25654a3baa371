//! The products whose bodies are known: a file for each, which says where in the product's source they
//! are made.

use std::cell::RefCell;

use toml::de::{DeTable, DeValue};

use crate::config::{
    source::Sources,
    table::{Node, Table, Walk},
};

/// Names and files.
macro_rules! products {
    ($($name:literal),+ $(,)?) => {
        /// What `product` may be.
        pub(super) const NAMES: &[&str] = &[$($name),+];

        /// The file of one of [`NAMES`].
        pub(super) fn text(name: &str) -> Option<&'static str> {
            match name {
                $($name => Some(include_str!(concat!("products/", $name, ".toml"))),)+
                _ => None,
            }
        }
    };
}

products! {
    "authentik",
    "keycloak-mfa",
    "kratos",
    "lemonldap-ng",
    "logto",
    "privacyidea",
    "pwm",
    "supabase",
    "zitadel",
}

/// What such a file has. A test holds that none has a fault.
pub(super) fn read<T: Default>(text: &str, read: impl FnOnce(&Table) -> T) -> T {
    let sources = Sources::from_text("product.toml", text);
    let walk = Walk {
        sources: &sources,
        faults: RefCell::default(),
        for_check: RefCell::default(),
        hidden: RefCell::default(),
    };
    let (document, _) = DeTable::parse_recoverable(text);
    let document = DeValue::Table(document.into_inner());
    let keys = Node::root(&walk, 0, &document).table(read);
    debug_assert!(walk.faults.borrow().is_empty(), "{:?}", walk.faults);
    debug_assert!(walk.for_check.borrow().is_empty(), "{:?}", walk.for_check);
    keys.unwrap_or_default()
}
