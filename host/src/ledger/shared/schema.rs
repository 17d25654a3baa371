//! How a PostgreSQL database is prepared for the ledger.

/// The statements that prepare a database whose account `role` textsender connects as.
pub fn schema(role: &str) -> String {
    let role = format!("\"{}\"", role.replace('"', "\"\""));
    format!("{SCHEMA}\n{}", GRANTS.replace("ROLE_NAME", &role))
}

/// The tables and functions.
const SCHEMA: &str = include_str!("schema_1.sql");

/// What the account may do that textsender connects as.
const GRANTS: &str = include_str!("grants.sql");
