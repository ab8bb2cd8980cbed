//! The key file: made at first start in embedded mode, demanded from separate roles.

use std::{
    fs,
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::Arc,
};

use anyhow::{Context, bail};
use exchange::seal::Keyring;

/// Reads a key file that must be there.
pub(crate) fn read(path: Option<&Path>) -> anyhow::Result<Arc<Keyring>> {
    let Some(path) = path else {
        bail!(
            "no key file: pass --key-file or set UNDERSTUDY_KEY_FILE, the same file in all roles \
             (make one with: head -c 32 /dev/urandom | od -An -vtx1 | tr -d ' \\n' > understudy.key)"
        );
    };
    let text = fs::read_to_string(path)
        .with_context(|| format!("key file {} cannot be read", path.display()))?;
    let keys = Keyring::parse(&text).with_context(|| format!("key file {}", path.display()))?;
    Ok(Arc::new(keys))
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
