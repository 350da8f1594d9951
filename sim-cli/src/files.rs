//! The only file writes: never half a file under its own name.

use crate::error::Stop;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Writes a file through a temporary one beside it, so that whoever looks sees all of it or none.
pub fn write(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Stop> {
    let cannot = |e: io::Error| {
        Stop::error(format_args!("cannot write {}: {e}; write the path of a writable place", path.display()))
    };
    let name = path.file_name().ok_or_else(|| cannot(io::ErrorKind::IsADirectory.into()))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(hidden);
    let whole = File::create(&temporary).and_then(|file| {
        let mut file = BufWriter::new(file);
        fill(&mut file)?;
        let file = file.into_inner().map_err(|e| e.into_error())?;
        // The content must be on disk before the name is.
        file.sync_all()?;
        fs::rename(&temporary, path)
    });
    whole.map_err(|e| {
        let _ = fs::remove_file(&temporary);
        cannot(e)
    })
}

/// Makes sure that a folder exists.
pub fn folder(path: &Path) -> Result<(), Stop> {
    fs::create_dir_all(path).map_err(|e| {
        Stop::error(format_args!("cannot make the folder {}: {e}; write another path", path.display()))
    })
}
