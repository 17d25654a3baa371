//! One name in all the forms that a crate needs.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};

/// `acme-sms` and what is made of it.
pub(super) struct Names {
    id: String,
}

impl Names {
    pub(super) fn of(id: &str) -> Self {
        Self { id: id.to_owned() }
    }

    /// The file that holds the plugin.
    pub(super) fn library(&self) -> String {
        format!("{DLL_PREFIX}textsender_{}{DLL_SUFFIX}", self.snake())
    }

    /// A template with the names in it.
    pub(super) fn fill(&self, template: &str) -> String {
        template
            .replace("@ID@", &self.id)
            .replace("@SNAKE@", &self.snake())
            .replace("@LIBRARY@", &self.library())
            .replace("@TYPE@", &self.words().concat())
            .replace("@NAME@", &self.words().join(" "))
    }

    fn snake(&self) -> String {
        self.id.replace('-', "_")
    }

    /// `Acme`, `Sms`.
    fn words(&self) -> Vec<String> {
        let words = self.id.split('-').filter(|word| !word.is_empty());
        let capital = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
        words.map(capital).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn every_form_of_a_name() {
        let names = Names::of("acme-sms2");
        let filled = names.fill("@ID@ @SNAKE@ @TYPE@ @NAME@");
        assert_eq!(filled, "acme-sms2 acme_sms2 AcmeSms2 Acme Sms2");
    }
}
