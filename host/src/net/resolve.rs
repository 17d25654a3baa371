//! Names become addresses.
//!
//! The system's resolver blocks a thread for each name, for as long as its servers are silent. So
//! look-ups wait for a permit, which the thread holds and not the caller: a caller that gives up
//! leaves at once, and the thread that is still blocked counts until it is done.

use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    thread, vec,
};

use hyper_util::client::legacy::connect::dns;
use tokio::sync::{Semaphore, oneshot};

use super::Cause;
use crate::budget::LOOK_UPS;

/// Whether a name may lead to an address.
pub type Admits = dyn Fn(&str, IpAddr) -> bool + Send + Sync;

/// The look-ups of one sender, or of whatever else may run so many at a time. Clones are the same.
#[derive(Clone, Debug)]
pub struct Lookups(Arc<Semaphore>);

impl Lookups {
    /// At most so many at a time.
    pub fn new(at_a_time: usize) -> Self {
        Self(Arc::new(Semaphore::new(at_a_time)))
    }
}

/// As many as one sender may have.
impl Default for Lookups {
    fn default() -> Self {
        Self::new(LOOK_UPS as usize)
    }
}

/// Resolves names by the system, and drops the addresses that they may not lead to.
#[derive(Clone)]
pub struct Resolver {
    admits: Arc<Admits>,
    lookups: Lookups,
    /// What every name resolves to.
    #[cfg(test)]
    played: Option<Arc<[SocketAddr]>>,
}

impl Resolver {
    /// A resolver with this rule, whose look-ups are among these.
    pub fn new(admits: Arc<Admits>, lookups: &Lookups) -> Self {
        Self {
            admits,
            lookups: lookups.clone(),
            #[cfg(test)]
            played: None,
        }
    }

    /// A resolver that finds these addresses for every name.
    #[cfg(test)]
    pub(crate) fn playing(addresses: &[SocketAddr]) -> Self {
        let played = Some(addresses.into());
        let resolver = Self::new(Arc::new(|_, _| true), &Lookups::default());
        Self { played, ..resolver }
    }

    /// The addresses of a name, with this port.
    ///
    /// # Errors
    ///
    /// There are none, or none that it may lead to.
    pub async fn resolve(&self, name: &str, port: u16) -> Result<Vec<SocketAddr>, Cause> {
        let found = self.look_up(name, port).await;
        let found = found.map_err(|error| Cause::of_lookup(&error))?;
        let is_admitted = |address: &SocketAddr| (self.admits)(name, address.ip());
        let admitted: Vec<SocketAddr> = found.into_iter().filter(is_admitted).collect();
        match admitted.is_empty() {
            true => Err(Cause::AddressNotAllowed),
            false => Ok(admitted),
        }
    }

    async fn look_up(&self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = name.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        #[cfg(test)]
        if let Some(played) = &self.played {
            return Ok(played.to_vec());
        }
        // Nothing closes the semaphore.
        let permit = self.lookups.0.clone().acquire_owned().await;
        let name = name.to_owned();
        let (found, answer) = oneshot::channel();
        // A thread of its own: the runtime's panics where the system gives it none.
        thread::Builder::new().spawn(move || {
            let _permit = permit;
            // Its caller may have given up.
            let _ = found.send((name.as_str(), port).to_socket_addrs());
        })?;
        Ok(answer.await.map_err(io::Error::other)??.collect())
    }
}

/// For hyper-util's connector.
impl tower_service::Service<dns::Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = Cause;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Cause>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: dns::Name) -> Self::Future {
        let resolver = self.clone();
        // The connector puts the port in, where none stands.
        Box::pin(async move { Ok(resolver.resolve(name.as_str(), 0).await?.into_iter()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn addresses_that_a_name_may_not_lead_to_are_dropped() {
        let resolver = Resolver::new(
            Arc::new(|_, address| !address.is_loopback()),
            &Lookups::default(),
        );
        let found = resolver.resolve("localhost", 25).await;
        assert_eq!(found, Err(Cause::AddressNotAllowed));
    }

    /// A name that never resolves keeps its permit, and its caller leaves all the same.
    #[tokio::test(start_paused = true)]
    async fn a_caller_gives_up_while_every_look_up_hangs() {
        let resolver = Resolver::new(Arc::new(|_, _| true), &Lookups::new(0));
        let found = resolver.resolve("mail.example.org", 25);
        let within = std::time::Duration::from_secs(1);
        assert!(tokio::time::timeout(within, found).await.is_err());
        // An address needs no look-up.
        assert!(resolver.resolve("192.0.2.1", 25).await.is_ok());
    }
}
