//! Whether users may change their own number: then an unlocked session is enough to have a reset sent elsewhere.

use crate::{
    descriptor,
    directory::Directory,
    error::DirectoryError,
    ldap::{Entry, Scope, Search, equal, present, user},
    sync::Finding,
};

impl Directory {
    /// A warning for each of the attributes that a sample user may write.
    ///
    /// # Errors
    ///
    /// The domain can't be asked.
    pub async fn own_rights(
        &mut self,
        attributes: &[String],
    ) -> Result<Vec<Finding>, DirectoryError> {
        let Some(configuration) = self.configuration().await? else {
            return Ok(Vec::new());
        };
        let schema = format!("CN=Schema,{configuration}");
        let mut findings = Vec::new();
        for attribute in attributes {
            let Some(names) = self.names_of_attribute(&schema, attribute).await? else {
                let what = "the directory has no attribute of this name: correct phone";
                findings.push(Finding::fault(attribute, what));
                continue;
            };
            let Some(user) = self.user_with(attribute).await? else {
                continue;
            };
            let descriptor = user.bytes("nTSecurityDescriptor");
            let may = descriptor.map(|bytes| descriptor::lets_self_write(bytes, &names));
            if let Some(Ok(true)) = may {
                let what = "users may change it themselves: a stranger at an unlocked session could have a reset sent to \
                            another telephone. Take that right from SELF, or name an attribute that users can't write";
                findings.push(Finding::warning(attribute, what));
            }
        }
        Ok(findings)
    }

    /// The ids of an attribute and of its property set; `None`: there is no such attribute.
    async fn names_of_attribute(
        &mut self,
        schema: &str,
        attribute: &str,
    ) -> Result<Option<Vec<[u8; 16]>>, DirectoryError> {
        let wanted = ["schemaIDGUID", "attributeSecurityGUID"];
        let search = Search {
            base: schema,
            scope: Scope::Subtree,
            filter: equal("lDAPDisplayName", attribute.as_bytes()),
            attributes: &wanted,
            access_lists: false,
            most: Some(1),
        };
        let found = self.search(&search).await?.unwrap_or_default();
        let found = found.into_iter().next();
        let names = |entry: Entry| {
            let names = wanted.iter().filter_map(|name| entry.bytes(name));
            names.filter_map(|id| id.try_into().ok()).collect()
        };
        Ok(found.map(names))
    }

    async fn user_with(&mut self, attribute: &str) -> Result<Option<Entry>, DirectoryError> {
        let base = self.base().await?;
        let search = Search {
            base: &base,
            scope: Scope::Subtree,
            filter: user(present(attribute)),
            attributes: &["nTSecurityDescriptor"],
            access_lists: true,
            most: Some(1),
        };
        let found = self.search(&search).await?.unwrap_or_default();
        Ok(found.into_iter().next())
    }
}
