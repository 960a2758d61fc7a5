//! Prints where the variables of two tasks on one thread lie.

fn main() {
    let tasks = preempt::one_stack();
    for (name, task) in ["A", "B"].iter().zip(&tasks) {
        let preempt::Addresses { between_awaits, across_an_await, .. } = task;
        println!(
            "{name}  between awaits {between_awaits:#x}  across an await {across_an_await:#x}"
        );
    }
    let in_futures = tasks.iter().all(|task| task.future.contains(&task.across_an_await));
    let [a, b] = tasks;
    println!("same bytes between awaits: {}", a.between_awaits == b.between_awaits);
    println!("same bytes across an await: {}", a.across_an_await == b.across_an_await);
    println!("across an await, each in its task's future: {in_futures}");
}
