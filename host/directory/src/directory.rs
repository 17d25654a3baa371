//! A directory that is asked: one kept connection, opened anew where it broke.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use tokio::time::timeout;

use crate::{
    changed,
    error::{Code, DirectoryError, of_server},
    ldap::{Connection, Entry, LdapError, Scope, Search, Servers, equal, present},
};

/// A domain that can be asked.
pub struct Directory {
    servers: Servers,
    /// As configured.
    base: Option<String>,
    open: Option<Open>,
    /// Attributes' numbers, by name.
    numbers: HashMap<String, Option<u32>>,
}

/// An open connection, and what is known of its server.
struct Open {
    connection: Connection,
    server: String,
    base: String,
    configuration: Option<String>,
}

impl Directory {
    /// Nothing is connected to yet.
    #[must_use]
    pub fn new(servers: Servers, base: Option<String>) -> Self {
        Self {
            servers,
            base,
            open: None,
            numbers: HashMap::new(),
        }
    }

    /// The account that logs in.
    #[must_use]
    pub fn account(&self) -> &str {
        self.servers.account()
    }

    /// Lets an account be tried that was refused lately.
    pub fn try_anyway(&mut self) {
        self.servers.try_anyway();
    }

    /// Each server, and until when its certificate is good.
    pub async fn certificates(&self) -> Vec<(String, Result<Option<Timestamp>, LdapError>)> {
        self.servers.certificates().await
    }

    /// The server that is connected to.
    #[must_use]
    pub fn server(&self) -> &str {
        self.open.as_ref().map_or("", |open| &open.server)
    }

    /// Where the domain begins, after connecting if that has to be.
    ///
    /// # Errors
    ///
    /// No server can be asked.
    pub async fn base(&mut self) -> Result<String, DirectoryError> {
        Ok(self.open().await?.base.clone())
    }

    /// Where the forest's configuration is, if the server says.
    ///
    /// # Errors
    ///
    /// No server can be asked.
    pub async fn configuration(&mut self) -> Result<Option<String>, DirectoryError> {
        Ok(self.open().await?.configuration.clone())
    }

    /// What the schema says of an attribute; `None`: there is none of this name, or no schema can be read.
    ///
    /// # Errors
    ///
    /// No server can be asked.
    pub async fn attribute(&mut self, name: &str) -> Result<Option<Entry>, DirectoryError> {
        let Some(configuration) = self.configuration().await? else {
            return Ok(None);
        };
        let search = Search {
            base: &format!("CN=Schema,{configuration}"),
            scope: Scope::Subtree,
            filter: equal("lDAPDisplayName", name.as_bytes()),
            attributes: &[
                "schemaIDGUID",
                "attributeSecurityGUID",
                "attributeID",
                "msDS-IntId",
            ],
            access_lists: false,
            most: Some(1),
        };
        let found = self.search(&search).await?.unwrap_or_default();
        Ok(found.into_iter().next())
    }

    /// The number that an attribute has in what is known of changes. It is asked for once.
    ///
    /// # Errors
    ///
    /// No server can be asked.
    pub async fn attribute_number(&mut self, name: &str) -> Result<Option<u32>, DirectoryError> {
        if let Some(number) = self.numbers.get(name) {
            return Ok(*number);
        }
        let number = self
            .attribute(name)
            .await?
            .as_ref()
            .and_then(changed::number);
        self.numbers.insert(name.to_owned(), number);
        Ok(number)
    }

    /// What a search finds; `None`: its base is not there. A kept connection that has gone meanwhile is replaced
    /// once: a server ends idle ones.
    ///
    /// # Errors
    ///
    /// No server can be asked, or this one gives no answer.
    pub async fn search(
        &mut self,
        search: &Search<'_>,
    ) -> Result<Option<Vec<Entry>>, DirectoryError> {
        let was_kept = self.open.is_some();
        match self.search_once(search).await {
            Err(LdapError::Unreachable(_)) if was_kept => {
                self.open().await?;
            }
            found => return self.found(found),
        }
        let found = self.search_once(search).await;
        self.found(found)
    }

    /// The one entry of this name.
    ///
    /// # Errors
    ///
    /// As for [`search`](Self::search).
    pub async fn entry(
        &mut self,
        dn: &str,
        attributes: &[&str],
        access_lists: bool,
    ) -> Result<Option<Entry>, DirectoryError> {
        let search = Search {
            base: dn,
            scope: Scope::Base,
            filter: present("objectClass"),
            attributes,
            access_lists,
            most: Some(1),
        };
        Ok(self
            .search(&search)
            .await?
            .and_then(|found| found.into_iter().next()))
    }

    /// That the domain does not begin where the configuration says.
    pub(crate) fn no_such_base(&self, base: &str) -> DirectoryError {
        let what = format!("{}: there is no {base} here: correct base", self.server());
        DirectoryError::new(Code::DirectoryLoginFailed, what)
    }

    fn found(
        &self,
        found: Result<Vec<Entry>, LdapError>,
    ) -> Result<Option<Vec<Entry>>, DirectoryError> {
        match found {
            Ok(found) => Ok(Some(found)),
            Err(LdapError::NoSuchEntry) => Ok(None),
            Err(error) => {
                let server = self
                    .open
                    .as_ref()
                    .map_or("the directory", |open| &open.server);
                Err(of_server(server, &error))
            }
        }
    }

    async fn search_once(&mut self, search: &Search<'_>) -> Result<Vec<Entry>, LdapError> {
        let Some(open) = &mut self.open else {
            return Err(LdapError::Unreachable("it is not connected".to_owned()));
        };
        let within = match search.most {
            Some(_) => self.servers.timeout(),
            None => self.servers.timeout().max(WHOLE_DOMAIN),
        };
        let found = timeout(within, open.connection.search(search)).await;
        let found = found.unwrap_or(Err(LdapError::TimedOut));
        // What an interrupted answer still brings would be taken for the next one's.
        if found.as_ref().is_err_and(|error| !error.leaves_usable()) {
            let server = std::mem::take(&mut open.server);
            self.open = None;
            return found.map_err(|error| match error {
                LdapError::Unreachable(what) => LdapError::Unreachable(format!("{server}: {what}")),
                other => other,
            });
        }
        found
    }

    async fn open(&mut self) -> Result<&mut Open, DirectoryError> {
        if self.open.is_none() {
            self.open = Some(self.connect().await?);
        }
        // Just put there.
        Ok(self.open.as_mut().expect("a connection"))
    }

    async fn connect(&self) -> Result<Open, DirectoryError> {
        let (mut connection, server) = self.servers.open().await?;
        let server = server.to_string();
        let search = Search {
            base: "",
            scope: Scope::Base,
            filter: present("objectClass"),
            attributes: &["defaultNamingContext", "configurationNamingContext"],
            access_lists: false,
            most: Some(1),
        };
        let found = timeout(self.servers.timeout(), connection.search(&search)).await;
        let found = found.unwrap_or(Err(LdapError::TimedOut));
        let found = found.map_err(|error| of_server(&server, &error))?;
        let root = found.into_iter().next().unwrap_or_default();
        let own = || root.text("defaultNamingContext").map(str::to_owned);
        let base = self.base.clone().or_else(own).ok_or_else(|| {
            let what = format!("{server}: it does not say where its domain begins: set base");
            DirectoryError::new(Code::DirectoryLoginFailed, what)
        })?;
        Ok(Open {
            configuration: root.text("configurationNamingContext").map(str::to_owned),
            connection,
            server,
            base,
        })
    }
}

/// How long a search through a whole domain may take.
const WHOLE_DOMAIN: Duration = Duration::from_secs(60);
