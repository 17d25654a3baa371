//! Making processes, and getting at those there are.

use std::{io, os::unix::process::parent_id, ptr};

use super::{Attempt, checked, reaches};

pub const ATTEMPTS: &[(&str, Attempt)] = &[
    ("fork", |_| child(system_fork)),
    // SAFETY: a child of clone without shared memory; it ends at once.
    ("clone", |_| {
        child(|| unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) })
    }),
    ("clone3", |_| child(clone3)),
    ("clone_with_namespaces", |_| {
        let flags = libc::SIGCHLD | libc::CLONE_NEWUSER;
        // SAFETY: as above.
        child(|| unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) })
    }),
    ("clone_as_vfork", |_| {
        let flags = libc::SIGCHLD | libc::CLONE_VFORK;
        // SAFETY: as above.
        child(|| unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) })
    }),
    ("exec", |_| {
        // SAFETY: paths that end with a zero byte, and empty lists. What is not there replaces nothing.
        let result = unsafe {
            libc::syscall(
                libc::SYS_execve,
                c"/nowhere".as_ptr(),
                [ptr::null::<u8>()].as_ptr(),
                [ptr::null::<u8>()].as_ptr(),
            )
        };
        reaches(result, libc::ENOENT)
    }),
    ("exec_from_memory", |_| {
        // SAFETY: as above, and no descriptor.
        let result = unsafe {
            libc::syscall(
                libc::SYS_execveat,
                -1,
                c"".as_ptr(),
                [ptr::null::<u8>()].as_ptr(),
                [ptr::null::<u8>()].as_ptr(),
                libc::AT_EMPTY_PATH,
            )
        };
        reaches(result, libc::EBADF)
    }),
    ("memory_file", |_| {
        // SAFETY: a name that ends with a zero byte.
        checked(unsafe { libc::syscall(libc::SYS_memfd_create, c"x".as_ptr(), 0) }).map(drop)
    }),
    ("ptrace_front", ptrace),
    // SAFETY: of numbers alone.
    ("session_of_front", |_| {
        checked(unsafe { libc::syscall(libc::SYS_getsid, parent_id()) }).map(drop)
    }),
    // SAFETY: as above.
    ("group_of_front", |_| {
        checked(unsafe { libc::syscall(libc::SYS_getpgid, parent_id()) }).map(drop)
    }),
    ("read_front_by_process_vm", |_| {
        vm(libc::SYS_process_vm_readv)
    }),
    ("write_front_by_process_vm", |_| {
        vm(libc::SYS_process_vm_writev)
    }),
    ("pidfd_of_front", |_| {
        // SAFETY: numbers alone.
        checked(unsafe { libc::syscall(libc::SYS_pidfd_open, parent_id(), 0) }).map(drop)
    }),
    ("descriptor_of_front", |_| {
        // SAFETY: numbers alone.
        unsafe {
            let front = libc::syscall(libc::SYS_pidfd_open, parent_id(), 0);
            reaches(
                libc::syscall(libc::SYS_pidfd_getfd, front, 0, 0),
                libc::EBADF,
            )
        }
    }),
    ("compare_with_front", |_| {
        // SAFETY: numbers alone.
        checked(unsafe { libc::syscall(libc::SYS_kcmp, parent_id(), std::process::id(), 0, 0, 0) })
            .map(drop)
    }),
    // Signal 0 is checked like any other, and does nothing.
    ("signal_front", |_| {
        // SAFETY: numbers alone.
        checked(unsafe { libc::syscall(libc::SYS_kill, parent_id(), 0) }).map(drop)
    }),
    ("signal_thread_of_front", |_| {
        // SAFETY: numbers alone.
        checked(unsafe { libc::syscall(libc::SYS_tgkill, parent_id(), parent_id(), 0) }).map(drop)
    }),
    ("signal_all", |_| {
        // SAFETY: numbers alone; signal 0 to every process.
        checked(unsafe { libc::syscall(libc::SYS_kill, -1, 0) }).map(drop)
    }),
    ("queue_signal_to_front", |_| {
        // SAFETY: a zeroed description of a signal is a valid one.
        let result = unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            info.si_code = libc::SI_QUEUE;
            libc::syscall(libc::SYS_rt_sigqueueinfo, parent_id(), 0, &raw const info)
        };
        checked(result).map(drop)
    }),
    ("signal_front_by_a_pipe", |_| {
        // SAFETY: two new descriptors, one of which gets an owner; both are closed.
        unsafe {
            let mut pipe = [0; 2];
            checked(libc::pipe(pipe.as_mut_ptr()).into())?;
            let result = libc::fcntl(pipe[0], libc::F_SETOWN, parent_id());
            let result = checked(result.into()).map(drop);
            libc::close(pipe[0]);
            libc::close(pipe[1]);
            result
        }
    }),
    ("limits_of_front", |_| {
        // SAFETY: an old limit is written to a place for it; no new one is given.
        let result = unsafe {
            let mut old: libc::rlimit64 = std::mem::zeroed();
            libc::syscall(
                libc::SYS_prlimit64,
                parent_id(),
                libc::RLIMIT_NOFILE,
                ptr::null::<libc::rlimit64>(),
                &raw mut old,
            )
        };
        checked(result).map(drop)
    }),
    ("processors_of_front", |_| {
        // SAFETY: a mask of this length, first filled, then given back.
        unsafe {
            let mut mask = [0_u8; 1024];
            let length = checked(libc::syscall(
                libc::SYS_sched_getaffinity,
                0,
                mask.len(),
                mask.as_mut_ptr(),
            ))?;
            let result = libc::syscall(
                libc::SYS_sched_setaffinity,
                parent_id(),
                length,
                mask.as_ptr(),
            );
            checked(result).map(drop)
        }
    }),
    ("priority_of_front", |_| {
        // SAFETY: numbers alone.
        let result =
            unsafe { libc::syscall(libc::SYS_setpriority, libc::PRIO_PROCESS, parent_id(), 0) };
        checked(result).map(drop)
    }),
    ("outlive_front", |_| {
        // SAFETY: numbers alone; then the old state.
        unsafe {
            checked(libc::prctl(libc::PR_SET_PDEATHSIG, 0).into())?;
            checked(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL).into()).map(drop)
        }
    }),
    ("be_dumped", |_| {
        // SAFETY: numbers alone; then the old state.
        unsafe {
            checked(libc::prctl(libc::PR_SET_DUMPABLE, 1).into())?;
            checked(libc::prctl(libc::PR_SET_DUMPABLE, 0).into()).map(drop)
        }
    }),
];

#[cfg(target_arch = "x86_64")]
fn system_fork() -> libc::c_long {
    // SAFETY: the child ends at once.
    unsafe { libc::syscall(libc::SYS_fork) }
}

#[cfg(not(target_arch = "x86_64"))]
fn system_fork() -> libc::c_long {
    // SAFETY: the child ends at once.
    unsafe { libc::fork() }.into()
}

fn clone3() -> libc::c_long {
    // SAFETY: arguments of the first version (linux/sched.h): eight numbers, of which the fifth is
    // the signal at the child's end.
    unsafe {
        let arguments = [0_u64, 0, 0, 0, libc::SIGCHLD as u64, 0, 0, 0];
        libc::syscall(
            libc::SYS_clone3,
            arguments.as_ptr(),
            size_of_val(&arguments),
        )
    }
}

/// Makes a child, which ends at once, and waits for it.
fn child(make: impl FnOnce() -> libc::c_long) -> io::Result<()> {
    match checked(make())? {
        // SAFETY: this is the child: nothing of the parent's is touched.
        0 => unsafe { libc::_exit(0) },
        // SAFETY: a child of this process.
        child => {
            checked(unsafe { libc::waitpid(child as i32, ptr::null_mut(), 0) }.into()).map(drop)
        }
    }
}

fn ptrace(_: &super::Place) -> io::Result<()> {
    let front = parent_id();
    // SAFETY: numbers alone; the front is let go of.
    unsafe {
        checked(libc::syscall(
            libc::SYS_ptrace,
            libc::PTRACE_SEIZE,
            front,
            0,
            0,
        ))?;
        libc::syscall(libc::SYS_ptrace, libc::PTRACE_INTERRUPT, front, 0, 0);
        libc::waitpid(front as i32, ptr::null_mut(), libc::__WALL);
        checked(libc::syscall(
            libc::SYS_ptrace,
            libc::PTRACE_DETACH,
            front,
            0,
            0,
        ))
        .map(drop)
    }
}

/// A byte at an address where nothing is: whoever may look is told that.
fn vm(call: libc::c_long) -> io::Result<()> {
    let mut byte = 0_u8;
    let local = libc::iovec {
        iov_base: (&raw mut byte).cast(),
        iov_len: 1,
    };
    let remote = libc::iovec {
        iov_base: ptr::without_provenance_mut(16),
        iov_len: 1,
    };
    // SAFETY: one byte here, and none of this process's there.
    let result = unsafe {
        let (one, none) = (1 as libc::c_long, 0 as libc::c_long);
        let front = libc::c_long::from(parent_id());
        libc::syscall(
            call,
            front,
            &raw const local,
            one,
            &raw const remote,
            one,
            none,
        )
    };
    reaches(result, libc::EFAULT)
}
