//! Linux: what can be known of a host process from outside.

use std::{
    fs, io,
    os::fd::OwnedFd,
    process::{Child, ExitStatus},
    time::Duration,
};

use rustix::{
    process::{Pid, PidfdFlags, pidfd_open},
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
};
use tokio::{
    io::{Interest, unix::AsyncFd},
    time::sleep,
};

/// How often a process is asked whether it has ended, where the kernel has no descriptors for processes.
const ROUND: Duration = Duration::from_millis(5);

/// Waits for a process that was killed, without holding up what else runs here.
pub async fn ended(child: &mut Child) -> io::Result<ExitStatus> {
    let descriptor = descriptor_of(child);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        match &descriptor {
            Some(descriptor) => descriptor.readable().await?.clear_ready(),
            None => sleep(ROUND).await,
        }
    }
}

/// A descriptor that is readable once the process has ended (since Linux 5.3).
fn descriptor_of(child: &Child) -> Option<AsyncFd<OwnedFd>> {
    let pid = pid_of(child.id())?;
    let descriptor =
        pidfd_open(pid, PidfdFlags::NONBLOCK).or_else(|_| pidfd_open(pid, PidfdFlags::empty()));
    // SAFETY: an owned descriptor is the same one for as long as it is registered.
    unsafe { AsyncFd::register_with_interest(descriptor.ok()?, Interest::READABLE) }.ok()
}

/// How many threads a process has; `None` if there is no such process, or where `/proc` hides it (`hidepid=`).
pub fn threads(id: u32) -> Option<u64> {
    parse(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
}

/// The processor time that a process took since its start, by its clock, which every account may read.
pub fn processor_time(id: u32) -> Option<Duration> {
    let mut clock = 0;
    // SAFETY: it writes to `clock` alone.
    let found = unsafe { libc::clock_getcpuclockid(id.try_into().ok()?, &raw mut clock) };
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: it writes to `time` alone.
    let is_read = found == 0 && unsafe { libc::clock_gettime(clock, &raw mut time) } == 0;
    let time = || {
        Some(Duration::new(
            time.tv_sec.try_into().ok()?,
            time.tv_nsec.try_into().ok()?,
        ))
    };
    is_read.then(time)?
}

/// Field 20 of proc_pid_stat(5). The second one, in parentheses, may hold anything.
fn parse(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(17)?.parse().ok()
}

/// Lets every thread of a process run only when no other wants the processor, and all on the same one; those that they
/// start do the same.
///
/// On one processor, because a thread that wakes on a processor where many of these are ready may have to wait for several
/// of them: up to 60 ms beside 32 (Linux 6.18 without preemption). The other processors are free of them.
pub fn lower_priority(id: u32) {
    let processor = last_processor();
    let lower = |thread: Pid| {
        make_idle(thread);
        if let Some(processor) = &processor {
            // It may have ended since.
            let _ = sched_setaffinity(Some(thread), processor);
        }
    };
    let Ok(threads) = fs::read_dir(format!("/proc/{id}/task")) else {
        // It is hidden: of its threads only the first has a number that is known.
        return pid_of(id).into_iter().for_each(lower);
    };
    let ids = threads
        .flatten()
        .filter_map(|thread| thread.file_name().to_str()?.parse().ok());
    ids.filter_map(pid_of).for_each(lower);
}

/// The last of the processors that are this process's.
fn last_processor() -> Option<CpuSet> {
    let own = sched_getaffinity(None).ok()?;
    let last = (0..CpuSet::MAX_CPU).rfind(|&processor| own.is_set(processor))?;
    let mut only = CpuSet::new();
    only.set(last);
    Some(only)
}

/// Has a thread scheduled as `SCHED_IDLE` (sched(7)): the lowest of priorities still takes its share from one who wakes
/// up. Nothing where it has ended since.
fn make_idle(thread: Pid) {
    let parameter = libc::sched_param { sched_priority: 0 };
    let thread = thread.as_raw_nonzero().get();
    // SAFETY: it reads `parameter` alone.
    unsafe { libc::sched_setscheduler(thread, libc::SCHED_IDLE, &raw const parameter) };
}

fn pid_of(id: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(id).ok()?)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name() {
        let stat = "7 (a) b 1 2) R 1 7 7 0 -1 4194304 108 0 0 0 12 3 0 0 20 0 66 0 5142 3 0";
        assert_eq!(parse(stat), Some(66));
        assert!(threads(std::process::id()) > Some(0));
        assert_eq!(parse("7 (cat) R"), None);
    }

    #[test]
    fn the_time_of_a_process_is_read_from_its_clock() {
        let before = processor_time(std::process::id()).unwrap();
        while processor_time(std::process::id()) == Some(before) {
            std::hint::spin_loop();
        }
        // No process has this number (proc(5), pid_max).
        assert_eq!(processor_time((1 << 22) + 1), None);
    }

    #[test]
    fn a_process_whose_priority_is_lowered_stands_behind_all_others_on_one_processor() {
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        lower_priority(child.id());
        let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
        // Field 41 of proc_pid_stat(5), the policy; the third is the first after the name.
        let (_, rest) = stat.rsplit_once(')').unwrap();
        let policy = libc::SCHED_IDLE.to_string();
        assert_eq!(
            rest.split_ascii_whitespace().nth(38),
            Some(&*policy),
            "{stat}"
        );
        let processors = sched_getaffinity(pid_of(child.id())).unwrap();
        assert_eq!(Some(processors), last_processor());
        assert_eq!(processors.count(), 1);
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
    }

    #[tokio::test]
    async fn the_end_of_a_process_is_waited_for() {
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut waiting = Box::pin(ended(&mut child));
        assert!((&mut waiting).now_or_never().is_none());
        drop(waiting);
        drop(child.stdin.take());
        assert!(ended(&mut child).await.unwrap().success());
    }
}
