//! tokio, unmodified, runs on `my-mio`. Its own tests take minutes: `cargo book prove tokio`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use book::prove::suite::{AS_MIO, Plan, Suite, Verdict, copy, published};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn an_axum_server_and_its_client_pass_their_tests_on_my_mio() {
    let as_mio = root().join(AS_MIO);
    let plan = Plan { name: "on-my-mio", mio: Some(&as_mio), tokio: false, swappable: false };
    // This fails if they are built on another mio.
    let suite = Suite::build(root(), &plan).unwrap();
    let verdicts = suite.run(Duration::from_secs(60), |_| true).unwrap();
    assert!(verdicts.len() > 30, "delayserver has more tests than {}", verdicts.len());
    let failed: Vec<_> = verdicts.iter().filter(|(_, how)| **how != Verdict::Passed).collect();
    assert!(failed.is_empty(), "{failed:?}");
}

/// Why nothing is built with this package in mio's place.
fn refused(name: &'static str, mio: &Path) -> String {
    let plan = Plan { name, mio: Some(mio), tokio: false, swappable: false };
    Suite::build(root(), &plan).expect_err("it is not to be built").to_string()
}

/// A package in mio's place, with this version, that re-exports `my-mio`.
fn stand_in(name: &str, version: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    copy(&root().join(AS_MIO), &folder).unwrap();
    let manifest = fs::read_to_string(root().join(AS_MIO).join("Cargo.toml")).unwrap();
    let mut manifest: toml::Table = toml::from_str(&manifest).unwrap();
    manifest["package"]["version"] = version.into();
    let my_mio = root().join("chapters-code/my-mio").to_string_lossy().into_owned();
    manifest["dependencies"]["my-mio"]["path"] = my_mio.into();
    fs::write(folder.join("Cargo.toml"), toml::to_string(&manifest).unwrap()).unwrap();
    folder
}

#[test]
fn a_stand_in_that_cargo_leaves_unused_proves_nothing() {
    // Older than the lockfile's; and newer than what tokio can take.
    for version in ["1.2.0", "1.0.0", "2.0.0"] {
        let stand_in = stand_in("unused", version);
        let said = refused("unused", &stand_in);
        assert!(said.starts_with("tokio would be built on mio 1."), "{version}: {said}");
        assert!(said.contains(&format!("and not on {}", stand_in.display())), "{said}");
        assert!(said.contains(&format!("Cargo.toml is {version}: write 1.")), "{said}");
    }
}

#[test]
fn mio_itself_in_mio_s_place_proves_nothing() {
    let mio = published(root(), "mio").unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mio-itself");
    copy(&mio, &folder).unwrap();
    let said = refused("mio-itself", &folder);
    assert!(said.contains("depends on no crate in a folder, as mio itself does not"), "{said}");
}
