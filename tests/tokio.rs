//! tokio, unmodified, runs on `my-mio`. Its own tests take minutes: `cargo book prove tokio`.

use std::path::Path;
use std::time::Duration;

use book::prove::suite::{AS_MIO, Plan, Suite, Verdict};

#[test]
fn an_axum_server_and_its_client_pass_their_tests_on_my_mio() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let as_mio = root.join(AS_MIO);
    let plan = Plan { name: "on-my-mio", mio: Some(&as_mio), tokio: false, swappable: false };
    let suite = Suite::build(root, &plan).unwrap();
    let verdicts = suite.run(Duration::from_secs(60), |_| true).unwrap();
    assert!(verdicts.len() > 30, "delayserver has more tests than {}", verdicts.len());
    let failed: Vec<_> = verdicts.iter().filter(|(_, how)| **how != Verdict::Passed).collect();
    assert!(failed.is_empty(), "{failed:?}");
}
