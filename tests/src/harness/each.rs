//! Tables of cases, several at a time: a case mostly waits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::thread;

/// How many cases run at once: more would slow one another down.
const AT_ONCE: usize = 4;

/// Runs every case, whatever becomes of the others.
///
/// # Panics
/// If a case does, when all have run. What each said is on standard error.
#[track_caller]
pub fn each<C: Send>(cases: impl IntoIterator<Item = C>, run: impl Fn(C) + Sync) {
    let cases: Vec<C> = cases.into_iter().collect();
    let count = cases.len();
    assert!(count > 0, "a table without cases proves nothing");
    let left = Mutex::new(cases.into_iter());
    let failed = Mutex::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(count) {
            scope.spawn(|| {
                loop {
                    let case = left.lock().unwrap().next();
                    let Some(case) = case else { return };
                    if catch_unwind(AssertUnwindSafe(|| run(case))).is_err() {
                        *failed.lock().unwrap() += 1;
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert_eq!(failed, 0, "{failed} of {count} cases failed");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_runs_once() {
        let seen = Mutex::new(Vec::new());
        each(0..100, |case| seen.lock().unwrap().push(case));
        let mut seen = seen.into_inner().unwrap();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..100));
    }

    #[test]
    #[should_panic(expected = "2 of 9 cases failed")]
    fn failures_are_counted() {
        each(0..9, |case| assert!(case % 5 != 2));
    }
}
