//! The rest of the kernel: calls that a plugin has no use for.

use std::io;

use super::{Attempt, checked, reaches};

pub const ATTEMPTS: &[(&str, Attempt)] = &[
    // SAFETY of all here: arguments that are numbers, null, or live in this function; each call
    // either fails or makes something that goes with this process.
    ("io_uring", |_| {
        // The parameters' size is 120 bytes (linux/io_uring.h).
        let mut parameters = [0_u64; 15];
        call(
            libc::SYS_io_uring_setup,
            [1, address(parameters.as_mut_ptr()), 0, 0, 0],
        )
    }),
    ("bpf", |_| {
        fault(libc::SYS_bpf, [99, 0, 0, 0, 0], libc::EINVAL)
    }),
    ("userfaultfd", |_| {
        call(libc::SYS_userfaultfd, [1, 0, 0, 0, 0])
    }),
    ("performance_events", |_| {
        fault(libc::SYS_perf_event_open, [0, 0, -1, -1, 0], libc::EFAULT)
    }),
    ("keys", |_| {
        // KEYCTL_GET_KEYRING_ID of the session's, without making one.
        fault(libc::SYS_keyctl, [0, -3, 0, 0, 0], libc::ENOKEY)
    }),
    ("mount", |_| {
        fault(libc::SYS_mount, [0, 0, 0, 0, 0], libc::EFAULT)
    }),
    ("unmount", |_| {
        fault(libc::SYS_umount2, [0, 0, 0, 0, 0], libc::EFAULT)
    }),
    ("open_tree", |_| {
        let root = c"/".as_ptr();
        call(
            libc::SYS_open_tree,
            [libc::AT_FDCWD as i64, address(root.cast_mut()), 0, 0, 0],
        )
    }),
    ("change_root", |_| {
        let nowhere = c"/nowhere".as_ptr();
        fault(
            libc::SYS_chroot,
            [address(nowhere.cast_mut()), 0, 0, 0, 0],
            libc::ENOENT,
        )
    }),
    ("unshare", |_| {
        call(libc::SYS_unshare, [libc::CLONE_SYSVSEM as i64, 0, 0, 0, 0])
    }),
    ("enter_namespace", |_| {
        fault(libc::SYS_setns, [-1, 0, 0, 0, 0], libc::EBADF)
    }),
    ("shared_memory", |_| {
        // SAFETY: numbers alone; removed again.
        unsafe {
            let id = checked(libc::syscall(
                libc::SYS_shmget,
                libc::IPC_PRIVATE,
                4096,
                0o600,
            ))?;
            checked(libc::syscall(libc::SYS_shmctl, id, libc::IPC_RMID, 0)).map(drop)
        }
    }),
    ("message_queue", |_| {
        // SAFETY: numbers alone; removed again.
        unsafe {
            let id = checked(libc::syscall(libc::SYS_msgget, libc::IPC_PRIVATE, 0o600))?;
            checked(libc::syscall(libc::SYS_msgctl, id, libc::IPC_RMID, 0)).map(drop)
        }
    }),
    ("watch_files", |_| {
        call(libc::SYS_inotify_init1, [0, 0, 0, 0, 0])
    }),
    ("open_by_handle", |_| {
        fault(libc::SYS_open_by_handle_at, [-1, 0, 0, 0, 0], libc::EFAULT)
    }),
    ("open_by_openat2", |_| {
        fault(libc::SYS_openat2, [-1, 0, 0, 0, 0], libc::EINVAL)
    }),
    ("load_kernel_module", |_| {
        fault(libc::SYS_finit_module, [-1, 0, 0, 0, 0], libc::EFAULT)
    }),
    ("set_clock", |_| {
        fault(libc::SYS_clock_settime, [0, 0, 0, 0, 0], libc::EFAULT)
    }),
    ("set_host_name", |_| {
        fault(libc::SYS_sethostname, [0, -1, 0, 0, 0], libc::EINVAL)
    }),
    ("become_another_user", |_| {
        call(libc::SYS_setresuid, [-1, -1, -1, 0, 0])
    }),
    ("raise_own_limits", |_| {
        let mut limit = [0_u64; 2];
        call(
            libc::SYS_prlimit64,
            [
                0,
                libc::RLIMIT_CORE as i64,
                address(limit.as_mut_ptr()),
                0,
                0,
            ],
        )
    }),
    ("change_personality", |_| {
        call(libc::SYS_personality, [0xffff_ffff, 0, 0, 0, 0])
    }),
    #[cfg(target_arch = "x86_64")]
    // The x32 table has its own numbers, which a list of forbidden ones easily forgets.
    ("x32_numbers", |_| {
        call(libc::SYS_getpid | 0x4000_0000, [0; 5])
    }),
];

fn address<T>(pointer: *mut T) -> i64 {
    pointer.addr() as i64
}

fn raw(number: libc::c_long, arguments: [i64; 5]) -> libc::c_long {
    let [a, b, c, d, e] = arguments;
    // SAFETY: see the table.
    unsafe { libc::syscall(number, a, b, c, d, e) }
}

fn call(number: libc::c_long, arguments: [i64; 5]) -> io::Result<()> {
    checked(raw(number, arguments)).map(drop)
}

fn fault(number: libc::c_long, arguments: [i64; 5], fault: libc::c_int) -> io::Result<()> {
    reaches(raw(number, arguments), fault)
}
