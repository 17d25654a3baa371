//! first_text
