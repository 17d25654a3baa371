//! What a sealed plugin may well do, and what libraries do without asking.

use std::{
    fs, io,
    sync::mpsc,
    thread,
    time::{Duration, Instant, SystemTime},
};

use super::{Attempt, checked};

pub const ATTEMPTS: &[(&str, Attempt)] = &[
    ("may_start_threads", |place| {
        let (told, tells) = mpsc::channel();
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let told = told.clone();
                thread::Builder::new().name("plugin".into()).spawn(move || {
                    thread::sleep(Duration::from_millis(1));
                    told.send(())
                })
            })
            .collect::<io::Result<_>>()?;
        // The linker holds its lock while it loads, and threads wait for it, sealed or not.
        if place.moment == "load" {
            return Ok(());
        }
        for thread in threads {
            thread
                .join()
                .map_err(|_| io::ErrorKind::Other)?
                .map_err(io::Error::other)?;
        }
        tells.recv().map_err(io::Error::other)
    }),
    ("may_take_memory", |_| {
        let memory = vec![1_u8; 64 << 20];
        std::hint::black_box(&memory);
        Ok(())
    }),
    ("may_look_at_clocks", |_| {
        std::hint::black_box((Instant::now(), SystemTime::now()));
        Ok(())
    }),
    ("may_take_random_bytes", |_| {
        let mut bytes = [0_u8; 16];
        // SAFETY: sixteen bytes.
        checked(unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), 16, 0) } as libc::c_long)
            .map(drop)
    }),
    ("may_panic_and_catch_it", |_| {
        let caught = std::panic::catch_unwind(|| {
            if std::hint::black_box(true) {
                std::panic::resume_unwind(Box::new("caught"));
            }
        });
        caught
            .err()
            .map(drop)
            .ok_or_else(|| io::ErrorKind::Other.into())
    }),
    ("may_read_what_the_linker_reads", |_| {
        fs::read_dir("/usr/lib").map(drop)
    }),
    ("may_load_a_library_of_the_system", |_| {
        // SAFETY: the C library's own mathematics, and its name.
        let library = unsafe { libc::dlopen(c"libm.so.6".as_ptr(), libc::RTLD_NOW) };
        let other = || unsafe { libc::dlopen(c"libc.so".as_ptr(), libc::RTLD_NOW) };
        // Another C library has no mathematics apart.
        match library.is_null() && other().is_null() {
            true => Err(io::ErrorKind::NotFound.into()),
            false => Ok(()),
        }
    }),
    ("may_resolve_a_local_name", |_| {
        std::net::ToSocketAddrs::to_socket_addrs(&("127.0.0.1", 0)).map(drop)
    }),
    ("may_signal_itself", |_| {
        // SAFETY: numbers alone; signal 0 does nothing.
        unsafe {
            let own = libc::getpid();
            checked(libc::kill(own, 0).into())?;
            checked(libc::syscall(libc::SYS_tgkill, own, libc::gettid(), 0)).map(drop)
        }
    }),
];
