//! stub
use serde::{Deserialize, Serialize};
/// E.164
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phone(String);
/// err
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneError;
impl std::fmt::Display for PhoneError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("bad phone")
    }
}
impl std::error::Error for PhoneError {}
impl Phone {
    /// parse
    /// # Errors
    /// bad
    pub fn parse(s: &str) -> Result<Self, PhoneError> {
        let d = s.strip_prefix('+').ok_or(PhoneError)?;
        if (7..=15).contains(&d.len())
            && d.bytes().all(|b| b.is_ascii_digit())
            && !d.starts_with('0')
        {
            Ok(Self(s.to_owned()))
        } else {
            Err(PhoneError)
        }
    }
    /// e164
    pub fn e164(&self) -> &str {
        &self.0
    }
    /// digits
    pub fn digits(&self) -> &str {
        &self.0[1..]
    }
}
impl TryFrom<String> for Phone {
    type Error = PhoneError;
    fn try_from(s: String) -> Result<Self, PhoneError> {
        Self::parse(&s)
    }
}
impl From<Phone> for String {
    fn from(p: Phone) -> String {
        p.0
    }
}
impl std::fmt::Display for Phone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}*****{}", &self.0[..3], &self.0[self.0.len() - 3..])
    }
}
impl std::fmt::Debug for Phone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}
