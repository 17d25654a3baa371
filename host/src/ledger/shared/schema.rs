//! How a PostgreSQL database is prepared for the ledger.

/// The statements that prepare a database whose account `role` textsender connects as.
pub fn schema(role: &str) -> String {
    migration(0, role)
}

/// The statements that lead from a version of the schema to the newest; 0: there is none.
pub fn migration(from: u32, role: &str) -> String {
    let role = format!("\"{}\"", role.replace('"', "\"\""));
    let steps = STEPS.iter().skip(from as usize);
    let mut statements: Vec<&str> = steps.copied().collect();
    let grants = GRANTS.replace("ROLE_NAME", &role);
    statements.push(&grants);
    statements.join("\n")
}

/// The version of the schema that this program writes.
pub const VERSION: u32 = STEPS.len() as u32;

/// Tables and functions: what leads from each version to the next.
const STEPS: [&str; 3] = [
    include_str!("schema_1.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
];

/// What the account may do that textsender connects as.
const GRANTS: &str = include_str!("grants.sql");
