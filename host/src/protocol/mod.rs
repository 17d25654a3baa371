//! The protocol between a reset server and `textsender`, version 1: one JSON request in, one JSON
//! response out, and an exit code.

mod failure;
mod group_policy;
mod id;
mod languages;
mod outcome;
mod request;
mod response;
mod schema;

pub use failure::{ErrorCode, Failure};
pub use group_policy::{GpoEffect, GpoLink, words as words_of_effect};
pub use id::MessageId;
pub use languages::{is_tag as is_language_tag, parse as languages_of};
pub use outcome::Outcome;
pub use request::{
    Code, Content, Draft, Event, MAX_GROUPS, MAX_REQUEST, Password, Request, Resend, TestRequest,
    User, WithoutPlus, id_of_used,
};
pub use response::{Attempt, DeliveryBody, ErrorBody, Response};
pub use schema::{request_schema, response_schema};
pub use textsender_plugin_api::Purpose;

/// The largest response, in bytes, with all that carries it.
pub const MAX_RESPONSE: usize = 256 * 1024;

/// The longest that an accepted message is followed.
pub const MAX_WAIT: std::time::Duration = std::time::Duration::from_secs(86_400);

/// The version of the protocol that this program speaks.
pub const VERSION: u32 = 1;
