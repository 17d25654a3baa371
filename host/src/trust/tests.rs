//! Files of every kind of danger, and what is judged of them.

use std::{
    cell::RefCell,
    fs::{self, File},
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::PathBuf,
};

use super::*;

/// An account that is neither root nor the one that runs this.
const STRANGER: u32 = 54_321;

thread_local! {
    static HOOK: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
}

/// What another account does when a file is open and not yet judged.
pub(super) fn between_opening_and_judging() {
    let hook = HOOK.with_borrow_mut(Option::take);
    hook.into_iter().for_each(|hook| hook());
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A folder with a file in it.
fn file_in(folder: &Path) -> PathBuf {
    fs::create_dir(folder).unwrap();
    set_mode(folder, 0o755);
    let file = folder.join("file");
    fs::write(&file, "").unwrap();
    set_mode(&file, 0o644);
    file
}

fn with_modes(folder_mode: u32, file_mode: u32) -> io::Result<File> {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("folder");
    let file = file_in(&folder);
    set_mode(&file, file_mode);
    set_mode(&folder, folder_mode);
    open(&file)
}

#[test]
fn only_the_owner_may_write() {
    assert!(with_modes(0o755, 0o644).is_ok());
    assert!(with_modes(0o1777, 0o600).is_ok(), "sticky folders are fine");
    for (folder, file) in [(0o755, 0o646), (0o757, 0o644)] {
        let error = with_modes(folder, file).unwrap_err().to_string();
        assert!(error.contains("chmod go-w /"), "{error}");
    }
}

#[test]
fn every_fault_is_found_once_and_what_is_not_there_is_none() {
    let home = tempfile::tempdir().unwrap();
    let open = home.path().join("open");
    fs::create_dir(&open).unwrap();
    let files = ["a", "b", "c"].map(|name| open.join(name));
    fs::write(&files[0], "").unwrap();
    fs::write(&files[1], "").unwrap();
    set_mode(&files[0], 0o600);
    set_mode(&files[1], 0o666);
    set_mode(&open, 0o777);
    let faults = super::faults(files.iter().map(PathBuf::as_path));
    let paths: Vec<_> = faults.iter().map(Unsafe::path).collect();
    assert_eq!(paths, [open.as_path(), files[1].as_path()]);
}

#[test]
fn a_link_is_judged_where_it_leads() {
    let home = tempfile::tempdir().unwrap();
    let (open_to_all, link) = (home.path().join("open"), home.path().join("link"));
    file_in(&open_to_all);
    set_mode(&open_to_all, 0o777);
    for target in [open_to_all.join("file"), "open/file".into()] {
        symlink(&target, &link).unwrap();
        let error = open(&link).unwrap_err().to_string();
        assert!(error.contains("open can be written"), "{error}");
        fs::remove_file(&link).unwrap();
    }
}

/// The folders that a link passes through are judged, not only the one where it ends.
#[test]
fn each_folder_behind_a_link_is_judged() {
    let home = tempfile::tempdir().unwrap();
    let file = file_in(&home.path().join("good"));
    let hers = home.path().join("hers");
    fs::create_dir(&hers).unwrap();
    symlink(&file, hers.join("second")).unwrap();
    set_mode(&hers, 0o777);
    symlink(hers.join("second"), home.path().join("first")).unwrap();
    let error = open(&home.path().join("first")).unwrap_err().to_string();
    assert!(error.contains("hers can be written"), "{error}");
}

#[test]
fn links_without_end_are_an_error() {
    let home = tempfile::tempdir().unwrap();
    symlink("b", home.path().join("a")).unwrap();
    symlink("a", home.path().join("b")).unwrap();
    let error = open(&home.path().join("a")).unwrap_err().to_string();
    assert!(error.contains("too many links"), "{error}");
}

#[test]
fn a_path_with_dots_is_the_same_path() {
    let home = tempfile::tempdir().unwrap();
    let file = file_in(&home.path().join("folder"));
    let dotted = home.path().join("folder/../folder/./file");
    assert!(open(&dotted).is_ok());
    assert!(open(&file.join("more")).is_err());
}

#[test]
fn what_is_no_file_is_an_error_at_once() {
    let home = tempfile::tempdir().unwrap();
    let pipe = home.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).unwrap();
    for path in [&pipe, home.path()] {
        let error = open(path).unwrap_err().to_string();
        assert!(error.ends_with("is not a file"), "{error}");
    }
    let missing = open(&home.path().join("missing")).unwrap_err();
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);
}

/// What is written goes where it was judged: a link that another account planted is not followed.
#[test]
fn a_place_to_write_is_judged_before() {
    let home = tempfile::tempdir().unwrap();
    let open_to_all = home.path().join("open");
    file_in(&open_to_all);
    set_mode(&open_to_all, 0o777);
    assert!(place(&open_to_all.join("new")).is_err());
    let (folder, name) = place(&home.path().join("new")).unwrap();
    folder.create_new(&name).unwrap();
    assert!(home.path().join("new").is_file());
    // Our own link stays one: what it leads to is written.
    symlink(home.path().join("new"), home.path().join("link")).unwrap();
    assert_eq!(place(&home.path().join("link")).unwrap().1, "new");
}

#[test]
#[ignore = "needs root"]
fn as_root_what_a_stranger_owns_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let file = file_in(&home.path().join("folder"));
    chown(&file, Some(STRANGER), None).unwrap();
    let error = open(&file).unwrap_err().to_string();
    assert!(error.contains("belongs to 54321"), "{error}");
    // A stranger's link, though it leads to our own file, in a sticky folder.
    let sticky = home.path().join("sticky");
    fs::create_dir(&sticky).unwrap();
    set_mode(&sticky, 0o1777);
    let own = home.path().join("own");
    fs::write(&own, "").unwrap();
    let link = sticky.join("link");
    symlink(&own, &link).unwrap();
    std::os::unix::fs::lchown(&link, Some(STRANGER), None).unwrap();
    for refused in [open(&link).err(), place(&link).err()] {
        let error = refused.unwrap().to_string();
        assert!(error.contains("link belongs to 54321"), "{error}");
    }
}

#[test]
#[ignore = "needs root"]
fn as_root_a_groups_right_to_write_is_proven_or_refused() {
    let home = tempfile::tempdir().unwrap();
    let file = file_in(&home.path().join("folder"));
    set_mode(&file, 0o664);
    // root's own group has root alone; one that no file names could have anyone.
    chown(&file, None, Some(0)).unwrap();
    assert!(open(&file).is_ok());
    chown(&file, None, Some(STRANGER)).unwrap();
    let error = open(&file).unwrap_err().to_string();
    assert!(error.contains("group 54321"), "{error}");
    assert!(error.contains("[trust] groups"), "{error}");
    accept_groups(vec![STRANGER]);
    let accepted = open(&file);
    accept_groups(Vec::new());
    assert!(accepted.is_ok());
}

#[test]
#[ignore = "needs root"]
fn as_root_an_access_list_that_lets_others_write_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let file = file_in(&home.path().join("folder"));
    // user::rw-, user:STRANGER:rw-, group::r--, mask::rw-, other::r--
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, rights, number) in [
        (0x01_u16, 6_u16, u32::MAX),
        (0x02, 6, STRANGER),
        (0x04, 4, u32::MAX),
        (0x10, 6, u32::MAX),
        (0x20, 4, u32::MAX),
    ] {
        list.extend(tag.to_le_bytes());
        list.extend(rights.to_le_bytes());
        list.extend(number.to_le_bytes());
    }
    let flags = rustix::fs::XattrFlags::empty();
    rustix::fs::setxattr(&file, "system.posix_acl_access", &list, flags).unwrap();
    let error = open(&file).unwrap_err().to_string();
    assert!(error.contains("lets user 54321 write"), "{error}");
}

/// Another file or folder takes the name in between.
#[test]
fn what_was_judged_is_what_is_read_and_written() {
    let home = tempfile::tempdir().unwrap();
    let (folder, moved) = (home.path().join("folder"), home.path().join("moved"));
    let file = file_in(&folder);
    fs::write(&file, "judged").unwrap();
    let opened = open(&file).unwrap();
    let (judged, _) = place(&folder.join("new")).unwrap();
    fs::rename(&folder, &moved).unwrap();
    fs::write(file_in(&folder), "another").unwrap();
    assert_eq!(io::read_to_string(opened).unwrap(), "judged");
    judged.create_new(OsStr::new("new")).unwrap();
    assert!(moved.join("new").exists() && !folder.join("new").exists());
}

/// The same while it is being opened: what is judged is what was opened, and as it is then.
#[test]
fn what_is_exchanged_between_opening_and_judging_is_not_read() {
    let home = tempfile::tempdir().unwrap();
    let file = file_in(&home.path().join("folder"));
    fs::write(&file, "judged").unwrap();
    let (hers, moved) = (home.path().join("hers"), home.path().join("moved"));
    fs::write(&hers, "hers").unwrap();
    set_mode(&hers, 0o666);
    let exchanged = file.clone();
    HOOK.set(Some(Box::new(move || {
        fs::rename(&exchanged, moved).unwrap();
        fs::rename(hers, exchanged).unwrap();
    })));
    assert_eq!(read_to_string(&file).unwrap(), "judged");
    // Now hers has its name.
    assert!(read_to_string(&file).is_err());

    set_mode(&file, 0o644);
    let opened = file.clone();
    HOOK.set(Some(Box::new(move || set_mode(&opened, 0o666))));
    assert!(read_to_string(&file).is_err());
}

/// What is put right is what has the name, and nothing that a link or a second name leads to.
#[test]
fn nothing_elsewhere_is_put_right() {
    let home = tempfile::tempdir().unwrap();
    let file = file_in(&home.path().join("folder"));
    assert!(open_to_repair(&file).is_ok());
    assert!(open_to_repair(home.path()).is_ok());
    fs::hard_link(&file, home.path().join("second")).unwrap();
    let error = open_to_repair(&file).unwrap_err().to_string();
    assert!(error.contains("another name"), "{error}");
}

#[test]
#[ignore = "needs root"]
fn as_root_a_strangers_link_is_not_put_right() {
    let home = tempfile::tempdir().unwrap();
    let file = file_in(&home.path().join("folder"));
    let link = home.path().join("link");
    symlink(&file, &link).unwrap();
    std::os::unix::fs::lchown(&link, Some(STRANGER), None).unwrap();
    let error = open_to_repair(&link).unwrap_err().to_string();
    assert!(error.contains("link belongs to 54321"), "{error}");
}

#[test]
fn files_of_an_open_folder_are_judged_as_others_are() {
    let home = tempfile::tempdir().unwrap();
    let file = file_in(&home.path().join("folder"));
    let elsewhere = file_in(&home.path().join("open"));
    set_mode(&home.path().join("open"), 0o777);
    let link = file.with_file_name("link");
    symlink(&elsewhere, &link).unwrap();
    let (folder, faults) = look_into(&home.path().join("folder")).unwrap();
    assert_eq!(faults.len(), 0);
    assert_eq!(folder.look(&file).unwrap().1.len(), 0);
    assert_eq!(folder.look(&link).unwrap().1.len(), 1);
    set_mode(&file, 0o666);
    assert_eq!(folder.look(&file).unwrap().1.len(), 1);
}

#[test]
fn a_folder_that_others_can_change_is_no_place_to_write() {
    let home = tempfile::tempdir().unwrap();
    let open = home.path().join("open");
    fs::create_dir(&open).unwrap();
    set_mode(&open, 0o777);
    assert!(folder(&open).is_err());
    assert!(make_folder(&open.join("new"), 0o755).is_err());
    assert!(!open.join("new").exists());
}

#[test]
fn no_link_is_written_or_read_through() {
    let home = tempfile::tempdir().unwrap();
    let (made, link) = (home.path().join("made"), home.path().join("link"));
    symlink(&made, &link).unwrap();
    let folder = folder(home.path()).unwrap();
    let name = OsStr::new("link");
    assert!(folder.open_or_create(name).is_err());
    assert!(folder.open_to_append(name).is_err());
    assert!(rights::open_or_create(&link, 0o600).is_err());
    assert!(rights::create_new(&link, 0o600).is_err());
    assert!(!made.exists());
    fs::write(&made, "").unwrap();
    assert!(rights::open_to_write(&link).is_err());
    assert!(folder.open(name).is_err());
}
