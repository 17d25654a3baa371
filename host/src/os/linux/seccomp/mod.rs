//! seccomp: which system calls a sealed process may still make.
//!
//! The list names what is allowed, not what is forbidden, so that a call which the next kernel
//! invents is refused too: `io_uring`, `bpf`, `ptrace`, mounts, keys, and on x86 the whole x32
//! table. A refused call fails with EPERM, as if the system's administrator had forbidden it, and a
//! plugin can say so. Calls of another machine's table (`int 0x80`) end the process.
//!
//! Landlock holds what a call names by a path, this holds what can be told from its numbers. Where
//! both hold, each is there for kernels without the other: opening for writing is refused here too.

mod calls;

use std::{collections::BTreeMap, env::consts::ARCH, io};

use libc::{c_int, c_long};
use seccompiler::{
    BpfProgram, SeccompAction,
    SeccompCmpArgLen::{Dword, Qword},
    SeccompCmpOp::{Eq, MaskedEq, Ne},
    SeccompCondition, SeccompFilter, SeccompRule, sock_filter,
};

use super::forbidden;
use crate::os::{process::has_threads, seal::Absent};
use calls::{CONNECTION, ITSELF, MEMORY, READING, THREADS, UNSEEN, WAITING};

/// Restricts every thread of this process.
pub(super) fn restrict(network: bool) -> Result<(), Absent> {
    // This list was not written for every machine.
    let program = program(network).map_err(|_| Absent::Kernel)?;
    install(&program).map_err(|error| forbidden::absent(&error, None))
}

/// By `seccomp(2)`, or by the older `prctl(2)`, which filters around services and containers forget: it
/// restricts the calling thread alone, so only where that is the only one.
fn install(program: &[sock_filter]) -> io::Result<()> {
    let length = u16::try_from(program.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let program = libc::sock_fprog {
        len: length,
        filter: program.as_ptr().cast::<libc::sock_filter>().cast_mut(),
    };
    let (mode, every_thread) = (
        libc::SECCOMP_SET_MODE_FILTER,
        libc::SECCOMP_FILTER_FLAG_TSYNC,
    );
    // SAFETY: the kernel copies the program, whose length is given, and changes no memory of ours.
    let done = unsafe { libc::syscall(libc::SYS_seccomp, mode, every_thread, &raw const program) };
    if done == 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    if done > 0 || has_threads() {
        return Err(error);
    }
    // SAFETY: as above.
    let done = unsafe {
        libc::prctl(
            libc::PR_SET_SECCOMP,
            libc::SECCOMP_MODE_FILTER,
            &raw const program,
        )
    };
    match done {
        0 => Ok(()),
        _ => Err(error),
    }
}

fn program(network: bool) -> Result<BpfProgram, seccompiler::Error> {
    let mut unseen = Calls::default();
    unseen.any(UNSEEN);
    let unseen = unseen.program(refuse(libc::ENOSYS), SeccompAction::Allow)?;

    let mut calls = Calls::default();
    calls.any(MEMORY);
    calls.any(READING);
    calls.any(WAITING);
    calls.any(THREADS);
    calls.any(ITSELF);
    calls.with_conditions()?;
    if network {
        calls.any(CONNECTION);
        calls.connection_with_conditions()?;
    }
    let calls = calls.program(SeccompAction::Allow, refuse(libc::EPERM))?;
    Ok(without_detours(&one_after_the_other(unseen, calls)))
}

/// One program of two: what the first lets pass, the second judges. The kernel makes machine code of
/// each program that it is given, so that two would take longer.
///
/// All jumps lead forward, and the last instruction is the answer to what nothing matched: without
/// it, that falls through to the second program.
fn one_after_the_other(mut first: BpfProgram, second: BpfProgram) -> BpfProgram {
    first.pop();
    first.extend(second);
    first
}

/// The same program, shorter: of a call that its number alone decides, `seccompiler` writes
///
/// ```text
/// is it this number?   else over the next
/// over the next
/// over the next two
/// the answer
/// the other answer, which nothing leads to
/// ```
///
/// and the first and fourth do as well. The kernel goes over a program several times to make machine code
/// of it: half the length is half the time [0.13 ms]. No jump leads into or over such a passage but those
/// of its own.
fn without_detours(program: &[sock_filter]) -> BpfProgram {
    let mut short = Vec::with_capacity(program.len());
    let mut rest = program;
    while let [first, after @ ..] = rest {
        short.push(first.clone());
        rest = match after {
            [over, past, answer, other, after @ ..]
                if (first.code, first.jt, first.jf) == (IS_EQUAL, 0, 1)
                    && (over.code, over.k) == (JUMP, 1)
                    && (past.code, past.k) == (JUMP, 2)
                    && (answer.code, other.code) == (ANSWER, ANSWER) =>
            {
                short.push(answer.clone());
                after
            }
            after => after,
        };
    }
    short
}

/// Instructions of linux/bpf_common.h: BPF_JMP | BPF_JEQ | BPF_K; BPF_JMP | BPF_JA; BPF_RET | BPF_K.
const IS_EQUAL: u16 = 0x15;
const JUMP: u16 = 0x05;
const ANSWER: u16 = 0x06;

fn refuse(error: c_int) -> SeccompAction {
    SeccompAction::Errno(error.cast_unsigned())
}

/// Flags of `open` with which something could be written, made or emptied.
const WRITING: c_int = libc::O_WRONLY | libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC;

/// Flags of `clone` that make more than a thread of this process: namespaces of its own.
const NAMESPACES: c_int = libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET;

/// Commands of `fcntl`. Not among them: F_SETOWN and F_SETSIG, by which a pipe sends any signal to
/// any process of the user.
const DESCRIPTOR_COMMANDS: &[c_int] = &[
    libc::F_DUPFD,
    libc::F_DUPFD_CLOEXEC,
    libc::F_GETFD,
    libc::F_SETFD,
    libc::F_GETFL,
    libc::F_SETFL,
    libc::F_GETPIPE_SZ,
    libc::F_GET_SEALS,
];

/// Requests of `ioctl`: the kind of a descriptor, what can be read, waiting or not.
#[allow(
    clippy::unnecessary_cast,
    reason = "their type is the C library's choice"
)]
const DEVICE_REQUESTS: &[u64] = &[
    libc::TCGETS as u64,
    libc::TIOCGWINSZ as u64,
    libc::FIONREAD as u64,
    libc::FIONBIO as u64,
    libc::FIOCLEX as u64,
    libc::FIONCLEX as u64,
];

/// Options of `prctl`: a thread's name, and the names of its memory. Not among them: to outlive the
/// front, or to be dumped.
const THREAD_OPTIONS: &[c_int] = &[libc::PR_SET_NAME, libc::PR_GET_NAME, libc::PR_SET_VMA];

/// Calls by number, each with its alternatives; none means any.
#[derive(Default)]
struct Calls(BTreeMap<i64, Vec<SeccompRule>>);

impl Calls {
    fn any(&mut self, calls: &[c_long]) {
        self.0.extend(calls.iter().map(|call| (*call, Vec::new())));
    }

    /// Adds an alternative: all of these hold.
    fn when(
        &mut self,
        call: c_long,
        conditions: Vec<SeccompCondition>,
    ) -> Result<(), seccompiler::Error> {
        let rule = SeccompRule::new(conditions)?;
        self.0.entry(call).or_default().push(rule);
        Ok(())
    }

    fn with_conditions(&mut self) -> Result<(), seccompiler::Error> {
        let reading = |argument| is(argument, Flags(WRITING), 0);
        self.when(libc::SYS_openat, vec![reading(2)?])?;
        #[cfg(target_arch = "x86_64")]
        self.when(libc::SYS_open, vec![reading(1)?])?;

        let thread = Flags(libc::CLONE_THREAD | NAMESPACES);
        self.when(libc::SYS_clone, vec![is(0, thread, libc::CLONE_THREAD)?])?;

        // Signals to this process alone: that is how it aborts.
        let me = std::process::id().cast_signed();
        self.when(libc::SYS_tgkill, vec![is(0, Whole, me)?])?;
        self.when(libc::SYS_kill, vec![is(0, Whole, me)?])?;

        // Its own limits may be read.
        let unchanged = SeccompCondition::new(2, Qword, Eq, 0)?;
        self.when(libc::SYS_prlimit64, vec![is(0, Whole, 0)?, unchanged])?;
        self.when(libc::SYS_sched_setaffinity, vec![is(0, Whole, 0)?])?;
        self.when(libc::SYS_getsid, vec![is(0, Whole, 0)?])?;
        self.when(libc::SYS_getpgid, vec![is(0, Whole, 0)?])?;

        for command in DESCRIPTOR_COMMANDS {
            self.when(libc::SYS_fcntl, vec![is(1, Whole, *command)?])?;
        }
        for option in THREAD_OPTIONS {
            self.when(libc::SYS_prctl, vec![is(0, Whole, *option)?])?;
        }
        for request in DEVICE_REQUESTS {
            let request = SeccompCondition::new(1, Dword, Eq, *request)?;
            self.when(libc::SYS_ioctl, vec![request])?;
        }
        Ok(())
    }

    /// Plain TCP: Landlock's ports mean no other protocol, neither MPTCP nor one that a TCP socket
    /// is turned into, and no connection that a first write makes (TCP Fast Open).
    fn connection_with_conditions(&mut self) -> Result<(), seccompiler::Error> {
        let kind = Flags(!(libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK));
        for family in [libc::AF_INET, libc::AF_INET6] {
            for protocol in [0, libc::IPPROTO_TCP] {
                let socket = vec![
                    is(0, Whole, family)?,
                    is(1, kind, libc::SOCK_STREAM)?,
                    is(2, Whole, protocol)?,
                ];
                self.when(libc::SYS_socket, socket)?;
            }
        }
        for (call, flags) in [
            (libc::SYS_sendto, 3),
            (libc::SYS_sendmsg, 2),
            (libc::SYS_sendmmsg, 3),
        ] {
            self.when(call, vec![is(flags, Flags(libc::MSG_FASTOPEN), 0)?])?;
        }
        let not = |argument, value: c_int| {
            SeccompCondition::new(argument, Dword, Ne, value.cast_unsigned().into())
        };
        self.when(libc::SYS_setsockopt, vec![not(1, libc::IPPROTO_TCP)?])?;
        self.when(libc::SYS_setsockopt, vec![not(2, libc::TCP_ULP)?])
    }

    fn program(
        self,
        matched: SeccompAction,
        otherwise: SeccompAction,
    ) -> Result<BpfProgram, seccompiler::Error> {
        let filter = SeccompFilter::new(self.0, otherwise, matched, ARCH.try_into()?)?;
        Ok(filter.try_into()?)
    }
}

/// What of an argument is looked at.
#[derive(Clone, Copy)]
enum Seen {
    Whole,
    Flags(c_int),
}
use Seen::{Flags, Whole};

/// An argument of 32 bits: the kernel ignores the upper half of its register, and so must this.
fn is(argument: u8, seen: Seen, value: c_int) -> Result<SeccompCondition, seccompiler::Error> {
    let compare = match seen {
        Whole => Eq,
        Flags(mask) => MaskedEq(mask.cast_unsigned().into()),
    };
    let value = value.cast_unsigned().into();
    Ok(SeccompCondition::new(argument, Dword, compare, value)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a program answers to a call that it judges by its number alone, in the instructions that
    /// `seccompiler` writes for it (linux/bpf_common.h).
    fn answer(program: &BpfProgram, call: c_long) -> u32 {
        let (mut at, mut loaded) = (0, 0);
        loop {
            let it = &program[at];
            at += 1;
            match it.code {
                // The call's number.
                0x20 if it.k == 0 => loaded = u32::try_from(call).unwrap(),
                // The machine: this one.
                0x20 if it.k == 4 => loaded = program[at].k,
                IS_EQUAL => at += usize::from(if loaded == it.k { it.jt } else { it.jf }),
                JUMP => at += it.k as usize,
                ANSWER => return it.k,
                _ => panic!("an instruction of another kind"),
            }
        }
    }

    #[test]
    fn each_call_gets_its_answer() {
        let [plain, granted] = [false, true].map(|network| program(network).unwrap());
        let allowed = libc::SECCOMP_RET_ALLOW;
        let error = |error: c_int| libc::SECCOMP_RET_ERRNO | error.cast_unsigned();
        let (unseen, refused) = (error(libc::ENOSYS), error(libc::EPERM));
        let last = i64::from(u16::MAX);
        for (call, expected) in [
            (UNSEEN[0], [unseen; 2]),
            (UNSEEN[UNSEEN.len() - 1], [unseen; 2]),
            (libc::SYS_read, [allowed; 2]),
            (libc::SYS_futex, [allowed; 2]),
            (libc::SYS_connect, [refused, allowed]),
            (libc::SYS_execve, [refused; 2]),
            (libc::SYS_seccomp, [refused; 2]),
            (last, [refused; 2]),
        ] {
            assert_eq!(
                [&plain, &granted].map(|it| answer(it, call)),
                expected,
                "{call}"
            );
        }
    }
}
