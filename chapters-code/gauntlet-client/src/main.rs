//! The client, as the gauntlet starts it.

use std::error::Error;

use gauntlet::client::{Task, tell};
use gauntlet_client::replies;

fn main() -> Result<(), Box<dyn Error>> {
    Ok(replies(&Task::from_env()?, tell)?)
}
