//! The key file: made at first start in embedded mode, demanded from separate roles.

use std::{
    fs,
    io::{ErrorKind, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
    sync::Arc,
};

use anyhow::{Context, bail};
use exchange::seal::{Keyring, SealError};
use store::Store;

/// Of the store: a known text, sealed by the key that sealed last.
const SETTING: &str = "sealed_by";
const PURPOSE: &str = "key check";

/// Reads a key file that must be there.
pub(crate) fn read(path: Option<&Path>) -> anyhow::Result<Arc<Keyring>> {
    let Some(path) = path else {
        bail!(
            "no key file: pass --key-file or set UNDERSTUDY_KEY_FILE, the same file in all roles \
             (make one with: head -c 32 /dev/urandom | od -An -vtx1 | tr -d ' \\n' > understudy.key)"
        );
    };
    let unreadable = || format!("key file {} cannot be read", path.display());
    let mode = fs::metadata(path).with_context(unreadable)?.permissions().mode();
    if mode & 0o077 != 0 {
        let shown = path.display();
        bail!("key file {shown} is open to others than its owner: run `chmod 600 {shown}`");
    }
    let text = fs::read_to_string(path).with_context(unreadable)?;
    let keys = Keyring::parse(&text).with_context(|| format!("key file {}", path.display()))?;
    Ok(Arc::new(keys))
}

/// Refuses keys that cannot open what was sealed with this store before: every message would come
/// back for ever. The sealing key is noted when it is new.
pub(crate) async fn check(keys: &Keyring, store: &Store, file: &Path) -> anyhow::Result<()> {
    let fresh = keys.seal(PURPOSE, &[]);
    let known = store.setting(SETTING).await?.and_then(|noted| hex::decode(noted).ok());
    if let Some(known) = known {
        match keys.open(PURPOSE, &known) {
            // The first bytes are the id of the key that sealed.
            Ok(_) if known.get(..4) == fresh.get(..4) => return Ok(()),
            Ok(_) => {}
            Err(SealError::UnknownKey(id)) => bail!(
                "this data was written with key {id:08x}, which {} does not hold: add that key in \
                 front of the others, or start with empty data",
                file.display()
            ),
            Err(problem) => {
                return Err(problem).with_context(|| {
                    format!("the keys of {} do not fit this data", file.display())
                });
            }
        }
    }
    Ok(store.set_setting(SETTING, &hex::encode(fresh)).await?)
}

/// Reads the key file, or makes one that only this user may read.
pub(crate) fn read_or_create(path: &Path) -> anyhow::Result<Arc<Keyring>> {
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match file {
        Ok(mut file) => {
            file.write_all(Keyring::generate_text().as_bytes())
                .and_then(|()| file.sync_all())
                .with_context(|| format!("key file {} cannot be written", path.display()))?;
        }
        Err(problem) if problem.kind() == ErrorKind::AlreadyExists => {}
        Err(problem) => {
            return Err(problem)
                .with_context(|| format!("key file {} cannot be made", path.display()));
        }
    }
    read(Some(path))
}
