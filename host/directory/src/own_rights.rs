//! Whether users may change their own number: then an unlocked session is enough to have a reset sent elsewhere. And
//! whether it can be seen when a number was changed, where a new one is to be held back.

use textsender_names::lines::Finding;

use crate::{
    changed, descriptor,
    directory::Directory,
    error::DirectoryError,
    ldap::{Entry, Scope, Search, present, user},
    user::Attributes,
};

/// How many users are looked at: those who administer the domain have other rights than all the rest.
const SAMPLE: u32 = 20;

impl Directory {
    /// What is to be said of each attribute with a number, by users who have one there.
    ///
    /// # Errors
    ///
    /// The domain can't be asked.
    pub async fn own_rights(
        &mut self,
        attributes: &Attributes,
    ) -> Result<Vec<Finding>, DirectoryError> {
        if self.configuration().await?.is_none() {
            return Ok(Vec::new());
        }
        let mut findings = Vec::new();
        for attribute in &attributes.phone {
            let Some(schema) = self.attribute(attribute).await? else {
                let what = "the directory has no attribute of this name: correct phone";
                findings.push(Finding::fault(attribute, what));
                continue;
            };
            let users = self.users_with(attribute).await?;
            let ids = ids(&schema);
            let may_write = |user: &Entry| {
                let descriptor = user.bytes("nTSecurityDescriptor");
                descriptor.is_some_and(|bytes| descriptor::lets_self_write(bytes, &ids) == Ok(true))
            };
            if users.iter().any(may_write) {
                let what = "users may change it themselves: a stranger at an unlocked session could have a reset sent to \
                            another telephone. Take that right from SELF, or name an attribute that users can't write";
                findings.push(Finding::warning(attribute, what));
            }
            if let (Some(_), Some(user)) = (attributes.hold_after_change, users.first()) {
                let found = self.entry(&user.dn, &changed::ATTRIBUTES, false).await?;
                let number = changed::number(&schema);
                if found.is_none_or(|found| changed::at(&found, attribute, number).is_none()) {
                    let what = "when it was changed can't be read, so that hold_after_change holds nothing back: give the \
                                account that textsender logs in with Read on replPropertyMetaData of users";
                    findings.push(Finding::warning(attribute, what));
                }
            }
        }
        Ok(findings)
    }

    async fn users_with(&mut self, attribute: &str) -> Result<Vec<Entry>, DirectoryError> {
        let base = self.base().await?;
        let search = Search {
            base: &base,
            scope: Scope::Subtree,
            filter: user(present(attribute)),
            attributes: &["nTSecurityDescriptor"],
            access_lists: true,
            most: Some(SAMPLE),
        };
        Ok(self.search(&search).await?.unwrap_or_default())
    }
}

/// The ids of an attribute and of its property set.
fn ids(schema: &Entry) -> Vec<[u8; 16]> {
    let names = ["schemaIDGUID", "attributeSecurityGUID"].into_iter();
    let ids = names.filter_map(|name| schema.bytes(name)?.try_into().ok());
    ids.collect()
}
