//! What one call of poll(2) and of epoll_wait(2) takes, by the number of sources.

use std::io;

use readiness::{Ask, Told, make_ready, medians, room_for, sources};

fn main() -> io::Result<()> {
    println!("processor time of one call, median of 301, in µs");
    println!("                one ready             all ready");
    println!("sources      poll  epoll_wait      poll  epoll_wait");
    for n in [1, 10, 100, 1000] {
        if !room_for(n)? {
            println!("skipped: {n} sources are more than this process may open");
            continue;
        }
        let (one, all) = (costs(n, 1)?, costs(n, n)?);
        println!("{n:>7}  {:>8.1}  {:>10.1}  {:>8.1}  {:>10.1}", one[0], one[1], all[0], all[1]);
    }
    Ok(())
}

fn costs(n: usize, ready: usize) -> io::Result<[f64; 2]> {
    let sources = sources(n)?;
    sources[n - ready..].iter().try_for_each(make_ready)?;
    let (mut ask, mut told) = (Ask::new(&sources), Told::new(&sources)?);
    let (mut asked, mut heard) = (Vec::with_capacity(n), Vec::with_capacity(n));
    let costs = medians(301, [&mut || ask.wait(&mut asked), &mut || told.wait(&mut heard)])?;
    Ok(costs.map(|cost| cost.as_secs_f64() * 1e6))
}
