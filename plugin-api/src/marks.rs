//! The marks that a setting's JSON Schema may carry, beside those of JSON Schema itself.
//!
//! | mark | on | then the host |
//! |---|---|---|
//! | [`HOST`] | a string: an address or a host name | lets the plugin talk to that host |
//! | [`PORT`] | an integer beside it | lets it use that port there |
//! | [`FILE`] | a string: a file's path | reads the file and hands over its content |
//! | `writeOnly` | a string | stores it as a secret: [`Secret`](crate::Secret) |
//! | `pattern` | a secret, or any string | refuses a value of another form when it is stored |
//!
//! [`BaseUrl`](crate::BaseUrl), [`FileContent`](crate::FileContent) and
//! [`Secret`](crate::Secret) mark themselves. On any other field:
//!
//! ```
//! # use textsender_plugin_api::Secret;
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! struct Settings {
//!     /// The gateway.
//!     #[schemars(extend("x-textsender-host" = true))]
//!     server: String,
//!     /// Its port.
//!     #[schemars(extend("x-textsender-port" = true))]
//!     port: u16,
//!     /// The token: 32 hexadecimal digits.
//!     #[schemars(extend("pattern" = "^[0-9a-f]{32}$"))]
//!     token: Secret,
//! }
//! let schema = serde_json::Value::from(schemars::schema_for!(Settings));
//! assert_eq!(schema["properties"]["port"][textsender_plugin_api::marks::PORT], true);
//! ```

/// Marks a setting that names a host.
pub const HOST: &str = "x-textsender-host";

/// Marks the port that belongs to the host in the same settings.
pub const PORT: &str = "x-textsender-port";

/// Marks a setting that names a file whose content the plugin needs.
pub const FILE: &str = "x-textsender-file";
