//! The plain switch with one register left out, for each of the six: what main and the fiber find.

use fibers::probe::{PLAIN, Switch, Trial};
use fibers::switch::StackPointer;

// ANCHOR: left_out
/// The plain switch, which saves these registers and in the place of one of them rcx.
macro_rules! switch {
    ($name:ident $($saved:literal)*; $($restored:literal)*) => {
        #[unsafe(naked)]
        unsafe extern "C" fn $name(other: *mut StackPointer) {
            std::arch::naked_asm!(
                $(concat!("push ", $saved),)*
                "mov rax, rsp",
                "mov rsp, [rdi]",
                "mov [rdi], rax",
                $(concat!("pop ", $restored),)*
                "ret",
            )
        }
    };
}

switch!(without_rbx "rcx" "rbp" "r12" "r13" "r14" "r15"; "r15" "r14" "r13" "r12" "rbp" "rcx");
switch!(without_rbp "rbx" "rcx" "r12" "r13" "r14" "r15"; "r15" "r14" "r13" "r12" "rcx" "rbx");
switch!(without_r12 "rbx" "rbp" "rcx" "r13" "r14" "r15"; "r15" "r14" "r13" "rcx" "rbp" "rbx");
switch!(without_r13 "rbx" "rbp" "r12" "rcx" "r14" "r15"; "r15" "r14" "rcx" "r12" "rbp" "rbx");
switch!(without_r14 "rbx" "rbp" "r12" "r13" "rcx" "r15"; "r15" "rcx" "r13" "r12" "rbp" "rbx");
switch!(without_r15 "rbx" "rbp" "r12" "r13" "r14" "rcx"; "rcx" "r14" "r13" "r12" "rbp" "rbx");
// ANCHOR_END: left_out

fn main() {
    let switches = [without_rbx, without_rbp, without_r12, without_r13, without_r14, without_r15];
    println!("left out   main had   found   the fiber had   found");
    for (switch, name) in switches.into_iter().zip(fibers::probe::NAMES) {
        let trial = Trial::of(Switch { resume: switch, suspend: switch, ..PLAIN }, |_| {});
        let [(wrong, had, found), (same, fiber_had, fiber_found)] = trial.lost()[..] else {
            panic!("without {name}: {:?}", trial.lost());
        };
        assert_eq!((wrong, same), (name, name), "another register is wrong");
        println!("{name:<8}   {had:<8}   {found:<5}   {fiber_had:<13}   {fiber_found}");
    }
}
