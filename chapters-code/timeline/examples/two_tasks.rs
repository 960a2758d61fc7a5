//! Two tasks that wait and two that compute, in five ways: how long, and how much processor time.

use std::io;

use timeline::two::WAYS;

fn main() -> io::Result<()> {
    println!("{:<24}  on the wall     CPU time", "");
    for way in WAYS {
        let took = way.took()?;
        let [wall, cpu] = [took.wall, took.cpu].map(|time| time.as_secs_f64() * 1e3);
        println!("two that {:<7}  {:<10} {wall:>7.1} ms  {cpu:>7.1} ms", way.tasks, way.how);
    }
    Ok(())
}
