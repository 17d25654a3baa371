//! Places for messages in flight: as many as `[send] concurrency` says now, given in the order in which
//! they were asked for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// All of them.
pub(super) struct Places {
    free: Arc<Semaphore>,
    size: Arc<Mutex<Size>>,
}

struct Size {
    most: usize,
    /// Places that an edit took away while a message had them: they are not given again.
    owed: usize,
}

/// The right to have a message in flight, until it is dropped.
pub(super) struct Place {
    permit: Option<OwnedSemaphorePermit>,
    size: Arc<Mutex<Size>>,
}

impl Places {
    pub(super) fn new(most: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(most)),
            size: Arc::new(Mutex::new(Size { most, owed: 0 })),
        }
    }

    /// Waits for a place.
    pub(super) async fn take(&self) -> Place {
        let permit = Arc::clone(&self.free).acquire_owned().await;
        Place {
            // The semaphore is never closed.
            permit: permit.ok(),
            size: Arc::clone(&self.size),
        }
    }

    /// Follows an edit.
    pub(super) fn resize(&self, most: usize) {
        let mut size = lock(&self.size);
        if most > size.most {
            let more = most - size.most;
            let paid = more.min(size.owed);
            size.owed -= paid;
            self.free.add_permits(more - paid);
        } else {
            let fewer = size.most - most;
            size.owed += fewer - self.free.forget_permits(fewer);
        }
        size.most = most;
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        let size = lock(&self.size);
        (size.most + size.owed).saturating_sub(self.free.available_permits())
    }

    /// Waits until no message is in flight.
    pub(super) async fn all_free(&self) {
        let most = lock(&self.size).most;
        let all = u32::try_from(most).unwrap_or(u32::MAX);
        drop(self.free.acquire_many(all).await);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut size = lock(&self.size);
        if size.owed > 0
            && let Some(permit) = self.permit.take()
        {
            size.owed -= 1;
            permit.forget();
        }
    }
}

fn lock(size: &Mutex<Size>) -> MutexGuard<'_, Size> {
    size.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn try_take(places: &Places) -> Option<Place> {
        places.take().now_or_never()
    }

    #[test]
    fn an_edit_counts_for_places_that_are_taken_as_well() {
        let places = Places::new(3);
        let mut taken: Vec<_> = (0..3).map(|_| try_take(&places).unwrap()).collect();
        assert!(try_take(&places).is_none());
        places.resize(1);
        taken.pop();
        taken.pop();
        assert!(
            try_take(&places).is_none(),
            "one is taken, and there is one"
        );
        assert_eq!(places.taken(), 1);
        places.resize(2);
        taken.push(try_take(&places).unwrap());
        assert!(try_take(&places).is_none());
        assert!(places.all_free().now_or_never().is_none());
        taken.clear();
        assert!(places.all_free().now_or_never().is_some());
        assert_eq!(places.taken(), 0);
    }
}
