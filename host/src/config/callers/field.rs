//! Where something is in a body: a JSON pointer (RFC 6901), or a name.

use crate::config::table::{Node, Table};

/// Where something is in a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// A JSON pointer, which begins with `/`.
    Pointer(String),
    /// The field of a form, or the member of a JSON object.
    Name(String),
}

/// `[callers.NAME.fields]`. Where several places are named, the first that has something counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields {
    /// The number.
    pub phone: Vec<Field>,
    /// The code.
    pub code: Vec<Field>,
    /// A finished text that has the code in it.
    pub text: Vec<Field>,
    /// What makes a repeat safe.
    pub id: Vec<Field>,
    /// `user.name`: the account name.
    pub user_name: Vec<Field>,
    /// The name for people.
    pub display_name: Vec<Field>,
    /// The user's language.
    pub locale: Vec<Field>,
    /// The distinguished name.
    pub dn: Vec<Field>,
    /// The address that the user's request came from.
    pub source: Vec<Field>,
    /// In how many minutes the code ends.
    pub expires_in_minutes: Vec<Field>,
}

impl Fields {
    pub(super) fn read(t: &Table) -> Self {
        let user_name = t.table("user", |t| fields(t, "name"));
        Self {
            phone: fields(t, "phone"),
            code: fields(t, "code"),
            text: fields(t, "text"),
            id: fields(t, "id"),
            user_name: user_name.unwrap_or_default(),
            display_name: fields(t, "display_name"),
            locale: fields(t, "locale"),
            dn: fields(t, "dn"),
            source: fields(t, "source"),
            expires_in_minutes: fields(t, "expires_in_minutes"),
        }
    }

    /// These, and the product's where one is not set.
    pub(super) fn over(self, product: Self) -> Self {
        let or = |own: Vec<Field>, product| if own.is_empty() { product } else { own };
        Self {
            phone: or(self.phone, product.phone),
            code: or(self.code, product.code),
            text: or(self.text, product.text),
            id: or(self.id, product.id),
            user_name: or(self.user_name, product.user_name),
            display_name: or(self.display_name, product.display_name),
            locale: or(self.locale, product.locale),
            dn: or(self.dn, product.dn),
            source: or(self.source, product.source),
            expires_in_minutes: or(self.expires_in_minutes, product.expires_in_minutes),
        }
    }
}

/// One place, or a list of them.
fn fields(t: &Table, key: &'static str) -> Vec<Field> {
    let Some(node) = t.get(key) else {
        return Vec::new();
    };
    match node.is_list() {
        true => node.some(field),
        false => field(&node).into_iter().collect(),
    }
}

fn field(node: &Node) -> Option<Field> {
    let word = node.word()?.value;
    if !word.starts_with('/') {
        return Some(Field::Name(word));
    }
    if !is_pointer(&word) {
        node.fault(
            "is not a JSON pointer",
            "write ~1 for a / within a name, and ~0 for a ~",
        );
        return None;
    }
    Some(Field::Pointer(word))
}

/// Whether each `~` of what begins with `/` is followed by 0 or 1.
fn is_pointer(text: &str) -> bool {
    let mut parts = text.split('~');
    parts.next();
    parts.all(|rest| rest.starts_with(['0', '1']))
}
