//! On which mio a suite is built. Cargo leaves a patch unused with no more than a warning, when the
//! patch has another version than the one that is asked for: without a look here, mio would be proven
//! to be like mio.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::suite::{LOCKFILE, metadata};
use crate::cargo::Built;

/// Looks which package cargo takes for mio in the workspace in `dir`; before anything is built, as a
/// build takes minutes. Returns the name of the crate that it stands for.
///
/// Fails if that is not `stand_in`, or mio of the registry where there is none; and if the stand-in
/// brings no crate of its own, as mio itself would.
pub(super) fn resolved(dir: &Path, stand_in: Option<&Path>) -> Result<Option<String>> {
    let packages = metadata(dir)?;
    let mut mios = packages.iter().filter(|package| package["name"] == "mio").peekable();
    ensure!(mios.peek().is_some(), "nothing in {} depends on mio", dir.display());
    let mut stands_for = None;
    for mio in mios {
        let folder = Path::new(mio["manifest_path"].as_str().unwrap_or_default());
        let folder = folder.parent().context("a manifest lies in a folder")?;
        let version = mio["version"].as_str().unwrap_or_default();
        match stand_in {
            Some(stand_in) if fs::canonicalize(stand_in)? != fs::canonicalize(folder)? => bail!(
                "tokio would be built on mio {version} in {}, and not on {}.\nCargo leaves a patch \
                 unused unless its version is one that tokio asks for and {LOCKFILE} has. The one in \
                 {}/Cargo.toml is {}: write {version} there, or take its version into {LOCKFILE}",
                folder.display(),
                stand_in.display(),
                stand_in.display(),
                version_in(stand_in)?,
            ),
            Some(stand_in) => stands_for = Some(own_crate(mio, stand_in)?),
            None => ensure!(
                mio["source"].is_string(),
                "tokio would be built on {}, and not on mio of the registry",
                folder.display()
            ),
        }
    }
    Ok(stands_for)
}

/// The crate in a folder that the stand-in depends on, as its programs' symbols call it.
fn own_crate(mio: &Value, stand_in: &Path) -> Result<String> {
    let dependencies = mio["dependencies"].as_array().map_or(&[][..], Vec::as_slice);
    let own = dependencies.iter().find(|dependency| dependency["path"].is_string());
    let own = own.and_then(|own| own["name"].as_str()).with_context(|| {
        format!(
            "{} depends on no crate in a folder, as mio itself does not. In mio's place stands a \
             package that re-exports the crate to be tried",
            stand_in.display()
        )
    })?;
    Ok(own.replace('-', "_"))
}

fn version_in(stand_in: &Path) -> Result<String> {
    let manifest: toml::Table = toml::from_str(&fs::read_to_string(stand_in.join("Cargo.toml"))?)?;
    let version = manifest.get("package").and_then(|package| package.get("version"));
    Ok(version.and_then(|version| version.as_str()).unwrap_or("not there").to_owned())
}

/// Looks into delayserver's test program, which waits with mio and no other way: it has functions of
/// the crate in mio's place, or of `my-mio` where none is.
///
/// Fails if it is the other way round.
pub(super) fn programs(built: &Built, stands_for: Option<&str>) -> Result<()> {
    let program = built.find("test", "it").context("delayserver's tests are not built")?;
    let name = stands_for.unwrap_or("my_mio");
    let bytes = fs::read(&program.path)?;
    let has = bytes.windows(name.len()).any(|window| window == name.as_bytes());
    match (has, stands_for) {
        (true, Some(_)) | (false, None) => Ok(()),
        (false, Some(name)) => bail!("{} has nothing of {name} in it", program.path.display()),
        (true, None) => bail!("{} is to be built on mio, and has {name}", program.path.display()),
    }
}
