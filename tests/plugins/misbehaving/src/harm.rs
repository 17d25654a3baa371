//! What no safe code does.

#![allow(
    unsafe_code,
    reason = "what a stranger's machine code can do is not written in safe Rust"
)]

use std::{hint::black_box, mem, ptr};

/// Descriptors beyond these are none: a host process holds a dozen.
const DESCRIPTORS: i32 = 64;

/// Reads memory that is not there.
pub fn segfault() -> ! {
    let nowhere = ptr::without_provenance::<u8>(8);
    // SAFETY: none. That is the point.
    black_box(unsafe { nowhere.read_volatile() });
    unreachable!("it is there")
}

/// Uses the stack up.
pub fn overflow_stack() -> ! {
    #[allow(unconditional_recursion, reason = "the very point")]
    fn deeper(depth: u64) -> u64 {
        let block = black_box([depth; 512]);
        deeper(depth + 1) + block[0]
    }
    black_box(deeper(0));
    unreachable!("it has no end")
}

/// Takes memory until there is none left.
pub fn allocate() -> ! {
    loop {
        mem::forget(black_box(Vec::<u8>::with_capacity(16 << 20)));
    }
}

/// Closes every descriptor.
pub fn close_descriptors() {
    for descriptor in 0..DESCRIPTORS {
        // SAFETY: none: they are the host's.
        unsafe { libc::close(descriptor) };
    }
}

/// Writes to every descriptor.
pub fn write_everywhere() {
    (0..DESCRIPTORS).for_each(|descriptor| write(descriptor, &[0xaa; 4096]));
}

/// Writes to every pipe that takes bytes: the front is at the other end of one.
pub fn write_to_pipes(bytes: &[u8]) {
    for descriptor in 0..DESCRIPTORS {
        // SAFETY: zeroes are a `stat`.
        let mut stat: libc::stat = unsafe { mem::zeroed() };
        // SAFETY: what is pointed to lives as long as the call.
        let is_open = unsafe { libc::fstat(descriptor, &raw mut stat) } == 0;
        if is_open && stat.st_mode & libc::S_IFMT == libc::S_IFIFO {
            write(descriptor, bytes);
        }
    }
}

fn write(descriptor: i32, bytes: &[u8]) {
    // SAFETY: what is pointed to lives as long as the call.
    unsafe { libc::write(descriptor, bytes.as_ptr().cast(), bytes.len()) };
}

/// A string that is none.
pub fn not_utf8() -> String {
    // SAFETY: none.
    unsafe { String::from_utf8_unchecked(b"http://\xff\xfe\xc0\x80".to_vec()) }
}

/// Starts threads that take next to no memory, so that only their number is in the way.
pub fn start_threads(count: usize) {
    extern "C" fn wait(_: *mut libc::c_void) -> *mut libc::c_void {
        loop {
            // SAFETY: it only sleeps.
            unsafe { libc::sleep(1000) };
        }
    }
    for _ in 0..count {
        // SAFETY: the thread needs nothing that goes away before it.
        unsafe {
            let mut attributes = mem::zeroed();
            libc::pthread_attr_init(&raw mut attributes);
            libc::pthread_attr_setstacksize(&raw mut attributes, 64 * 1024);
            let mut thread = mem::zeroed();
            libc::pthread_create(
                &raw mut thread,
                &raw const attributes,
                wait,
                ptr::null_mut(),
            );
        }
    }
}
