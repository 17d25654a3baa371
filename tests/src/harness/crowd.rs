//! Many processes at once.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{Run, Running, Test};

/// Starts so many processes, each of the test for its number, and lets them all go at once.
pub fn at_once(count: usize, test: impl Fn(usize) -> Test) -> Vec<Run> {
    lift_bound_on_descriptors();
    let mut waiting: Vec<(Running, String)> = (0..count)
        .map(|number| {
            let test = test(number);
            let request = test.request_json();
            (test.start_silent(), request)
        })
        .collect();
    for (running, request) in &mut waiting {
        running.write(request.as_bytes());
        running.end_input();
    }
    let runs = waiting.into_iter().map(|(running, _)| running.finish());
    runs.collect()
}

/// An ordinary user may hold 1,024 of them at first: fewer than the pipes of so many processes.
fn lift_bound_on_descriptors() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let all = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, all).unwrap();
}
