//! Two tasks that wait and two that compute, in five ways: how long, and how much processor time.
//! The shortest of five runs: the one in which other programs took the least of it.

use std::io;

use timeline::two::WAYS;

fn main() -> io::Result<()> {
    println!("{:<24}  on the wall     CPU time", "");
    for way in WAYS {
        let runs = (0..5).map(|_| way.took()).collect::<io::Result<Vec<_>>>()?;
        let took = runs.iter().min_by_key(|took| took.wall).expect("five runs");
        let [wall, cpu] = [took.wall, took.cpu].map(|time| time.as_secs_f64() * 1e3);
        println!("two that {:<7}  {:<10} {wall:>7.1} ms  {cpu:>7.1} ms", way.tasks, way.how);
    }
    Ok(())
}
