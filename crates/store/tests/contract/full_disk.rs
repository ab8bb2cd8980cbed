//! A disk that is full and then is not.

use std::{path::Path, process::Command};

use store::{Access, Store, StoreUrl};

/// A file system of its own; unmounted when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None` where mounting is not allowed.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"])
            .arg(folder.path())
            .output()
            .is_ok_and(|done| done.status.success());
        mounted.then_some(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).output();
    }
}

#[tokio::test]
async fn writing_goes_on_as_soon_as_there_is_space_again() {
    let Some(disk) = SmallDisk::mount() else {
        println!("skipped: a small file system cannot be mounted (root can)");
        return;
    };
    let url: StoreUrl =
        format!("sqlite:{}", disk.path().join("store.sqlite").display()).parse().unwrap();
    let store = Store::open(&url, Access::ReadWrite).await.unwrap();
    store.set_setting("before", "1").await.unwrap();
    let ballast = disk.path().join("ballast");
    // As much as goes in: the error is what is wanted.
    assert!(std::fs::write(&ballast, vec![1; 4 << 20]).is_err());

    let large = "x".repeat(256 << 10);
    for _ in 0..3 {
        store.set_setting("during", &large).await.unwrap_err();
    }
    assert_eq!(store.setting("before").await.unwrap().as_deref(), Some("1"));
    std::fs::remove_file(&ballast).unwrap();
    store.set_setting("during", &large).await.unwrap();
    assert_eq!(store.setting("during").await.unwrap(), Some(large));
    store.close().await;
}
