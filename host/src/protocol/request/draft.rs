//! A request as `explain` takes it: number, code and password may be missing. It is read as strictly
//! as one that is sent.

use textsender_plugin_api::{Purpose, Secret};

use super::{
    Code, Content, Event, Password, Request,
    fields::{Fields, JsonString, Object, UserFields},
    read,
};
use crate::protocol::Failure;

/// A request that is not for sending.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The request. Its number is empty if there is none, and a missing code or password is made up.
    pub request: Request,
    /// Whether there is a number.
    pub has_phone: bool,
    /// Whether there is a code or a password.
    pub has_secret: bool,
}

impl Draft {
    /// Reads one JSON document.
    ///
    /// # Errors
    ///
    /// Those of [`Request::parse`], but for what may be missing.
    pub fn parse(json: &[u8]) -> Result<Self, Failure> {
        Self::of(read::fields(json)?)
    }

    /// Reads a user alone, as the field `user` of a request has it.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn of_user(json: &[u8], purpose: Purpose, event: Option<Event>) -> Result<Self, Failure> {
        let user: UserFields = read::fields(json)?;
        Self::of(Fields {
            purpose: Some(purpose),
            event,
            user: Some(Object(user)),
            ..Fields::default()
        })
    }

    /// Puts a dummy in the place of code or password.
    pub fn replace_secret(&mut self, dummy: &str) {
        let secret = Secret::new(dummy);
        self.request.content = match self.request.content {
            Content::Code(_) => Content::Code(Code(secret)),
            Content::Password(_) => Content::Password(Password(secret)),
            Content::Message(ref words) => Content::Message(words.clone()),
        };
    }

    fn of(mut fields: Fields) -> Result<Self, Failure> {
        let made_up = || Some(JsonString("xxxxxxxx".to_owned()));
        let has_secret = fields.code.is_some() || fields.password.is_some();
        match fields.purpose {
            _ if has_secret => {}
            Some(Purpose::NewPassword) => fields.password = made_up(),
            Some(Purpose::Information) => {}
            _ => fields.code = made_up(),
        }
        let user = fields.user.get_or_insert_default();
        let has_phone = user
            .0
            .phone
            .as_ref()
            .is_some_and(|JsonString(phone)| !phone.is_empty());
        if !has_phone {
            user.0.phone = Some(JsonString("none".to_owned()));
        }
        let mut request = read::whole(fields)?;
        if !has_phone {
            request.user.phone.clear();
        }
        Ok(Self {
            request,
            has_phone,
            has_secret,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_and_code_may_be_missing() {
        let draft = Draft::parse(br#"{"purpose":"verification_code"}"#).unwrap();
        assert!(!draft.has_phone && !draft.has_secret);
        assert_eq!(draft.request.user.phone, "");
        let draft = Draft::parse(br#"{"purpose":"new_password","user":{"phone":"1"}}"#).unwrap();
        assert!(draft.has_phone && !draft.has_secret);
        assert!(matches!(draft.request.content, Content::Password(_)));
    }

    #[test]
    fn the_rest_is_read_as_strictly_as_ever() {
        let cases = [
            (r#"{"user":{}}"#, "the request lacks a field: purpose"),
            (
                r#"{"purpose":"test","user":{"fone":"1"}}"#,
                "the request has a field that version 1 does not know: user.fone",
            ),
            (
                r#"{"purpose":"test","code":"abc"}"#,
                "a field of the request is wrong: code: expected 4 to 64 printable characters",
            ),
        ];
        for (json, expected) in cases {
            let error = Draft::parse(json.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
        let user = br#"{"dn":"CN=Ada","dn":"CN=Bob"}"#;
        let error = Draft::of_user(user, Purpose::VerificationCode, None).unwrap_err();
        assert_eq!(error.to_string(), "the request gives a field twice: dn");
    }

    #[test]
    fn a_secret_is_replaced_in_its_place() {
        let json = br#"{"purpose":"new_password","password":"hunter2"}"#;
        let mut draft = Draft::parse(json).unwrap();
        draft.replace_secret("xxxxxxx");
        assert_eq!(draft.request.carried(), "xxxxxxx");
        assert!(matches!(draft.request.content, Content::Password(_)));
    }
}
