//! The connections that are open, and which of them makes room when there are too many.
//!
//! A connection is *busy* while a message of it is being sent, and *idle* before and after that: while
//! its head or body is read, while nothing comes, while its answer is not read. An idle one costs no
//! message anything when it is closed. So where no room is left, the connection that has idled longest is
//! closed, of the account that has the most of them: one that opens thousands closes its own.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    sync::{Notify, futures::Notified},
    task::yield_now,
    time::Instant,
};

use super::access::Origin;

/// The most connections at a time. One is always left for the next.
pub(super) const MOST: usize = 1024;

/// All of them.
#[derive(Default)]
pub(super) struct Connections {
    open: Mutex<Open>,
    /// One was closed, or idles again.
    news: Arc<Notify>,
}

#[derive(Default)]
struct Open {
    by_number: HashMap<u64, Arc<Connection>>,
    last: u64,
}

/// One of them.
pub(super) struct Connection {
    origin: Origin,
    activity: Mutex<Activity>,
    close: Notify,
    news: Arc<Notify>,
}

struct Activity {
    messages: usize,
    idle_since: Instant,
}

/// A connection's place among the open ones, until it is dropped.
pub(super) struct Entered {
    connections: Arc<Connections>,
    pub(super) connection: Arc<Connection>,
    number: u64,
}

/// A message of a connection, until it is dropped.
pub(super) struct Busy {
    connection: Arc<Connection>,
}

impl Connections {
    /// Enters a connection.
    pub(super) fn enter(self: &Arc<Self>, origin: Origin) -> Entered {
        let connection = Arc::new(Connection {
            origin,
            activity: Mutex::new(Activity {
                messages: 0,
                idle_since: Instant::now(),
            }),
            close: Notify::new(),
            news: Arc::clone(&self.news),
        });
        let mut open = self.open();
        open.last += 1;
        let number = open.last;
        open.by_number.insert(number, Arc::clone(&connection));
        Entered {
            connections: Arc::clone(self),
            connection,
            number,
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.open().by_number.len()
    }

    /// Waits until there is room for one more. Where none is, an idle one is closed.
    pub(super) async fn room(&self) {
        loop {
            let news = self.news.notified();
            if self.count() < MOST {
                return;
            }
            match self.close_one() {
                // Its descriptor is free once its turn has come.
                true => yield_now().await,
                false => news.await,
            }
        }
    }

    /// Closes an idle one, if there is any.
    pub(super) fn close_one(&self) -> bool {
        let mut open = self.open();
        let Some(number) = open.longest_idle() else {
            return false;
        };
        if let Some(connection) = open.by_number.remove(&number) {
            connection.close.notify_one();
        }
        true
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// The number of the connection that has idled longest, of the account that has the most.
    fn longest_idle(&self) -> Option<u64> {
        let mut counts: HashMap<Origin, usize> = HashMap::new();
        for connection in self.by_number.values() {
            *counts.entry(connection.origin).or_default() += 1;
        }
        let idle = self.by_number.iter().filter_map(|(number, connection)| {
            let since = connection.idle_since()?;
            Some((number, counts[&connection.origin], since))
        });
        let longest = idle.max_by(|(_, some, earlier), (_, others, later)| {
            some.cmp(others).then(later.cmp(earlier))
        });
        longest.map(|(number, ..)| *number)
    }
}

impl Connection {
    /// How it came.
    pub(super) fn origin(&self) -> Origin {
        self.origin
    }

    /// Marks that a message of it is being sent.
    pub(super) fn busy(self: &Arc<Self>) -> Busy {
        self.activity().messages += 1;
        Busy {
            connection: Arc::clone(self),
        }
    }

    /// Whether a message of it is being sent.
    pub(super) fn is_busy(&self) -> bool {
        self.activity().messages > 0
    }

    /// Resolves once it has to make room.
    pub(super) fn asked_to_close(&self) -> Notified<'_> {
        self.close.notified()
    }

    fn idle_since(&self) -> Option<Instant> {
        let activity = self.activity();
        (activity.messages == 0).then_some(activity.idle_since)
    }

    fn activity(&self) -> MutexGuard<'_, Activity> {
        self.activity.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut activity = self.connection.activity();
        activity.messages -= 1;
        activity.idle_since = Instant::now();
        self.connection.news.notify_one();
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.connections.open().by_number.remove(&self.number);
        self.connections.news.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Origin = Origin::Socket { uid: 1 };
    const OTHER: Origin = Origin::Socket { uid: 2 };

    fn is_asked(entered: &Entered) -> bool {
        use futures_util::FutureExt;
        entered.connection.asked_to_close().now_or_never().is_some()
    }

    #[tokio::test(start_paused = true)]
    async fn of_the_account_with_the_most_the_one_that_idled_longest_is_closed() {
        let connections = Arc::<Connections>::default();
        let older = connections.enter(OTHER);
        let mut own = Vec::new();
        for _ in 0..3 {
            tokio::time::advance(std::time::Duration::from_secs(1)).await;
            own.push(connections.enter(ONE));
        }
        let _busy = own[0].connection.busy();
        assert!(connections.close_one());
        assert!(is_asked(&own[1]) && !is_asked(&own[0]) && !is_asked(&older));
        // Two each: the one that idled longest.
        drop(_busy);
        let _second = connections.enter(OTHER);
        assert!(connections.close_one());
        assert!(is_asked(&older));
    }

    #[tokio::test]
    async fn while_all_are_busy_none_is_closed_and_the_next_waits() {
        use futures_util::FutureExt;
        let connections = Arc::<Connections>::default();
        let entered: Vec<_> = (0..MOST).map(|_| connections.enter(ONE)).collect();
        let mut busy: Vec<_> = entered.iter().map(|one| one.connection.busy()).collect();
        assert!(!connections.close_one());
        let mut room = Box::pin(connections.room());
        assert!(room.as_mut().now_or_never().is_none());
        drop(busy.pop());
        room.await;
        assert!(is_asked(&entered[MOST - 1]));
        assert_eq!(connections.count(), MOST - 1);
    }
}
