//! Every ending, and that nothing is left behind. The bodies run in children of this very binary.
#![cfg(target_os = "linux")]

use lab::doomed::{Ended, Ending, Signal, Watched, child, start, watch};
use std::fs;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, abort, exit};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// Far beyond anything here: reached only by a test that fails.
const LONG: Duration = Duration::from_secs(20);

fn shell(script: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", script]);
    shell
}

#[track_caller]
fn assert_passed(ended: &Ended) {
    assert_eq!(ended.how, Ending::Passed, "{ended}");
}

#[track_caller]
fn assert_hung_in(call: &str, ended: &Ended) {
    assert!(ended.how.hung_in(call), "{ended}");
}

// What ends

#[test]
fn a_body_that_returns_passes() {
    let ended = child("a_body_that_returns_passes", || {});
    assert_eq!((&ended.how, ended.stdout.as_str()), (&Ending::Passed, ""), "{ended}");
}

#[test]
fn output_is_the_bodys_own() {
    let ended = child("output_is_the_bodys_own", || {
        println!("to stdout");
        eprintln!("to stderr");
        print!("no line end");
    });
    assert_passed(&ended);
    assert_eq!(ended.stdout, "to stdout\nno line end");
    assert_eq!(ended.stderr, "to stderr\n");
}

#[test]
fn the_child_inherits_the_three_standard_descriptors_alone() {
    let file = std::fs::File::open("/dev/null").unwrap();
    // SAFETY: fcntl with this command takes integers; it makes a descriptor that exec leaves open.
    let left_open = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_DUPFD, 100) };
    assert!(left_open >= 100);
    // SAFETY: it was made above, and nothing else owns it.
    let _left_open = unsafe { OwnedFd::from_raw_fd(left_open) };
    let ended = watch(shell("ls /proc/self/fd"), LONG).unwrap();
    assert_passed(&ended);
    assert_eq!(ended.stdout, "0\n1\n2\n3\n", "3 is the folder that is listed: {ended}");
}

#[test]
fn a_panic_is_a_failure_with_101() {
    let ended = child("a_panic_is_a_failure_with_101", || panic!("on purpose"));
    assert_eq!(ended.how, Ending::Failed(101));
    assert!(ended.stderr.contains("on purpose"), "{ended}");
    assert!(ended.to_string().starts_with("failed with exit code 101 after "), "{ended}");
}

#[test]
fn an_exit_code_is_told() {
    let ended = watch(shell("echo out; echo err >&2; exit 3"), LONG).unwrap();
    assert_eq!(ended.how, Ending::Failed(3));
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("out\n", "err\n"));
}

#[test]
fn a_segmentation_fault_is_told() {
    let ended = child("a_segmentation_fault_is_told", || {
        // SAFETY: both calls take integers. The default action, in place of the handler that the
        // standard library installs, ends the process.
        unsafe {
            libc::signal(libc::SIGSEGV, libc::SIG_DFL);
            libc::raise(libc::SIGSEGV);
        }
    });
    assert_eq!(ended.how, Ending::Killed(Signal(libc::SIGSEGV)), "{ended}");
    assert_eq!(ended.how.to_string(), "killed by SIGSEGV");
}

#[test]
fn an_abort_is_told() {
    let ended = child("an_abort_is_told", || abort());
    assert_eq!(ended.how, Ending::Killed(Signal(libc::SIGABRT)), "{ended}");
}

#[test]
fn a_child_that_spins_is_too_long() {
    let ended = watch(shell("while :; do :; done"), Duration::from_millis(500)).unwrap();
    assert_eq!(ended.how, Ending::TooLong);
    assert!(ended.after >= Duration::from_millis(500));
    assert_eq!((ended.running, ended.asleep.len()), (1, 0), "{ended}");
}

#[test]
fn a_stopped_child_is_too_long() {
    let ended = watch(shell("kill -STOP $$"), Duration::from_millis(500)).unwrap();
    assert_eq!(ended.how, Ending::TooLong);
}

#[test]
fn where_a_child_that_sleeps_was_at_the_deadline_is_told() {
    let ended = watch(shell("exec sleep 1000"), Duration::from_millis(500)).unwrap();
    assert_eq!(ended.how, Ending::TooLong);
    assert_eq!((ended.running, ended.asleep.len()), (0, 1), "{ended}");
    assert_eq!(ended.asleep[0].call, "nanosleep");
}

/// How long it takes to read what was printed while a process outside of the child's group has the pipe;
/// which is ended before that, or afterwards.
fn reads_beside_another(before: bool) -> Duration {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("beside-{before}"));
    let _ = fs::remove_file(&file);
    let script = format!("setsid sleep 1000 & echo $! > '{}'; exec sleep 1000", file.display());
    let child = Watched::spawn(shell(&script)).unwrap();
    let leader = child.pid();
    let from = Instant::now();
    let pid: i32 = loop {
        match fs::read_to_string(&file).unwrap_or_default().trim().parse() {
            Ok(pid) => break pid,
            Err(_) => assert!(from.elapsed() < LONG, "the shell says no number"),
        }
        thread::sleep(Duration::from_millis(5));
    };
    let mut other = None;
    // SAFETY: kill takes two integers. The process sleeps until it is killed here.
    let mut end = || _ = other.get_or_insert_with(|| unsafe { libc::kill(pid, libc::SIGKILL) });
    let mut from = Instant::now();
    let ended = child.end_with(Duration::from_millis(300), || {
        // SAFETY: as above; 0 sends nothing.
        assert_eq!(unsafe { libc::kill(leader, 0) }, -1, "the child's group has ended");
        if before {
            end();
        }
        from = Instant::now();
    });
    let took = from.elapsed();
    end();
    assert_eq!(ended.how, Ending::TooLong);
    took
}

#[test]
fn another_that_has_the_pipe_is_not_waited_for_when_it_is_ended() {
    let (ended, left) = thread::scope(|scope| {
        let left = scope.spawn(|| reads_beside_another(false));
        (reads_beside_another(true), left.join().unwrap())
    });
    assert!(2 * ended < left, "{ended:?} where it is ended, {left:?} where it is not");
}

#[test]
fn the_end_of_what_an_endless_printer_says_is_kept() {
    let ended = watch(shell("yes; :"), Duration::from_millis(300)).unwrap();
    assert_eq!(ended.how, Ending::TooLong);
    assert_eq!(ended.stdout.len(), 1 << 20);
    assert!(ended.stdout.bytes().all(|byte| byte == b'y' || byte == b'\n'));
}

#[test]
fn a_program_that_is_missing_is_an_error() {
    let error = watch(Command::new("/nowhere/to/be/found"), LONG).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

#[test]
#[should_panic(expected = "did not reach the body of a test `no_such_test`")]
fn a_test_that_is_missing_is_no_pass() {
    let _ = child("no_such_test", || {});
}

// What hangs

fn epoll() -> OwnedFd {
    // SAFETY: epoll_create1 takes an integer and returns a descriptor that nobody else owns.
    unsafe { OwnedFd::from_raw_fd(libc::epoll_create1(libc::EPOLL_CLOEXEC)) }
}

fn epoll_wait(epoll: &OwnedFd, timeout: i32) -> i32 {
    // SAFETY: an epoll_event is two integers, for which zeroes are valid.
    let mut event: libc::epoll_event = unsafe { std::mem::zeroed() };
    // SAFETY: there is room for the one event that the call may write.
    unsafe { libc::epoll_wait(epoll.as_raw_fd(), &mut event, 1, timeout) }
}

fn add(epoll: &OwnedFd, fd: RawFd) {
    let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: 0 };
    // SAFETY: both descriptors are open, and the kernel reads one event.
    let done = unsafe { libc::epoll_ctl(epoll.as_raw_fd(), libc::EPOLL_CTL_ADD, fd, &mut event) };
    assert_eq!(done, 0);
}

fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

#[test]
fn epoll_wait_without_timeout_hangs() {
    let ended = child("epoll_wait_without_timeout_hangs", || {
        println!("about to wait");
        epoll_wait(&epoll(), -1);
    });
    assert_hung_in("epoll_wait", &ended);
    assert_eq!(ended.stdout, "about to wait\n");
    let told = "thread `epoll_wait_with` sleeps in epoll_wait, timeout -1";
    assert!(ended.how.to_string().contains(told), "{ended}");
    // Libtest's main thread waits for the test without a timeout: `--test-threads=1` sees to that.
    let main = "hung: thread `main` sleeps in futex, no timeout";
    assert!(ended.how.to_string().starts_with(main), "{ended}");
    assert!(ended.after < Duration::from_secs(10), "the deadline is not what ended it: {ended}");
}

#[test]
fn poll_without_timeout_hangs() {
    let ended = child("poll_without_timeout_hangs", || {
        // SAFETY: no descriptors, so nothing is read or written.
        unsafe { libc::poll(std::ptr::null_mut(), 0, -1) };
    });
    assert_hung_in("poll", &ended);
}

#[test]
fn a_mutex_locked_twice_hangs() {
    let ended = child("a_mutex_locked_twice_hangs", || {
        let mutex = Mutex::new(());
        let _first = mutex.lock();
        let _second = mutex.lock();
    });
    assert_hung_in("futex", &ended);
}

#[test]
fn a_channel_that_nobody_sends_to_hangs() {
    let ended = child("a_channel_that_nobody_sends_to_hangs", || {
        let (_sender, receiver) = mpsc::channel::<()>();
        let _ = receiver.recv();
    });
    assert_hung_in("futex", &ended);
}

#[test]
fn a_read_that_nobody_answers_hangs() {
    let ended = child("a_read_that_nobody_answers_hangs", || {
        let (mut ours, _theirs) = UnixStream::pair().unwrap();
        let _ = ours.read(&mut [0]);
    });
    assert!(ended.how.hung_in("read") || ended.how.hung_in("recvfrom"), "{ended}");
}

#[test]
fn two_that_write_and_never_read_hang() {
    let ended = child("two_that_write_and_never_read_hang", || {
        let (mut ours, mut theirs) = tcp_pair();
        thread::spawn(move || ours.write_all(&vec![0; 64 << 20]));
        let _ = theirs.write_all(&vec![0; 64 << 20]);
    });
    assert!(ended.how.hung_in("sendto") || ended.how.hung_in("write"), "{ended}");
}

#[test]
fn a_wait_for_a_child_that_hangs_is_a_hang() {
    let ended = child("a_wait_for_a_child_that_hangs_is_a_hang", || {
        // The child's child leads a group of its own: it is found as a descendant.
        let mut own_group = Command::new("sh");
        std::os::unix::process::CommandExt::process_group(&mut own_group, 0);
        // A pipe to itself: sh waits for cat, and cat for bytes.
        let (reader, _writer) = UnixStream::pair().unwrap();
        let _ = own_group.args(["-c", "cat; :"]).stdin(OwnedFd::from(reader)).status();
    });
    assert_hung_in("read", &ended);
    assert!(ended.how.hung_in("wait4") || ended.how.hung_in("waitid"), "{ended}");
    assert!(ended.how.to_string().contains("; process "), "{ended}");
}

// What does not hang, though it looks like it

#[test]
fn a_timed_wait_is_no_hang() {
    let ended = child("a_timed_wait_is_no_hang", || {
        assert_eq!(epoll_wait(&epoll(), 1000), 0);
    });
    assert_passed(&ended);
}

#[test]
fn a_thread_that_sleeps_may_wake_the_others() {
    let ended = child("a_thread_that_sleeps_may_wake_the_others", || {
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            thread::sleep(Duration::from_secs(1));
            sender.send(()).unwrap();
        });
        receiver.recv().unwrap();
    });
    assert_passed(&ended);
}

#[test]
fn an_armed_timerfd_is_no_hang_and_a_spent_one_is() {
    let ended = child("an_armed_timerfd_is_no_hang_and_a_spent_one_is", || {
        let (epoll, second) = (epoll(), libc::timespec { tv_sec: 1, tv_nsec: 0 });
        let never = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        let once = libc::itimerspec { it_interval: never, it_value: second };
        // SAFETY: timerfd_create takes integers and returns a descriptor that nobody else owns.
        let timer = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_NONBLOCK) };
        // SAFETY: as above.
        let timer = unsafe { OwnedFd::from_raw_fd(timer) };
        // SAFETY: the descriptor is open, the kernel reads one itimerspec and writes none.
        unsafe { libc::timerfd_settime(timer.as_raw_fd(), 0, &once, std::ptr::null_mut()) };
        add(&epoll, timer.as_raw_fd());
        assert_eq!(epoll_wait(&epoll, -1), 1);
        println!("it rang");
        io::Read::read(&mut std::fs::File::from(timer.try_clone().unwrap()), &mut [0; 8]).unwrap();
        epoll_wait(&epoll, -1);
    });
    assert_eq!(ended.stdout, "it rang\n", "{ended}");
    assert_hung_in("epoll_wait", &ended);
}

#[test]
fn a_read_timeout_is_no_hang() {
    let ended = child("a_read_timeout_is_no_hang", || {
        let (mut ours, _theirs) = UnixStream::pair().unwrap();
        ours.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        assert_eq!(ours.read(&mut [0]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        println!("in time");
        // A timeout for writing does not end a read.
        ours.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
        ours.set_read_timeout(None).unwrap();
        let _ = ours.read(&mut [0]);
    });
    assert_eq!(ended.stdout, "in time\n", "{ended}");
    assert!(matches!(ended.how, Ending::Hung(_)), "{ended}");
}

#[test]
fn corked_bytes_are_no_hang() {
    let ended = child("corked_bytes_are_no_hang", || {
        let (mut ours, mut theirs) = tcp_pair();
        let on: i32 = 1;
        // SAFETY: the socket is open, and the kernel reads one int.
        unsafe {
            let (cork, value) = (libc::TCP_CORK, (&raw const on).cast());
            libc::setsockopt(theirs.as_raw_fd(), libc::IPPROTO_TCP, cork, value, 4);
        }
        for _ in 0..5 {
            theirs.write_all(b"x").unwrap();
            let from = Instant::now();
            ours.read_exact(&mut [0]).unwrap();
            assert!(from.elapsed() > Duration::from_millis(100), "the cork held them back");
        }
    });
    assert_passed(&ended);
}

#[test]
fn a_lost_syn_is_no_hang() {
    let ended = child("a_lost_syn_is_no_hang", || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        // SAFETY: listen takes integers, and on a listening socket sets its backlog.
        unsafe { libc::listen(listener.as_raw_fd(), 0) };
        let address = listener.local_addr().unwrap();
        let _first = TcpStream::connect(address).unwrap();
        // The queue holds one, so this SYN is dropped and sent again a second later.
        let second = thread::spawn(move || TcpStream::connect(address).unwrap());
        thread::sleep(Duration::from_millis(200));
        let from = Instant::now();
        let _both = [listener.accept().unwrap(), listener.accept().unwrap()];
        assert!(from.elapsed() > Duration::from_millis(600), "it was in the queue at once");
        second.join().unwrap();
    });
    assert_passed(&ended);
}

// Stopping it at a known moment

#[test]
fn a_stop_interrupts_epoll_wait_and_not_read() {
    let interrupted = start("a_stop_interrupts_epoll_wait_and_not_read", || {
        assert_eq!(epoll_wait(&epoll(), -1), -1);
        println!("{}", io::Error::last_os_error().kind());
        let (mut ours, _theirs) = UnixStream::pair().unwrap();
        let _ = ours.read(&mut [0]);
    });
    for call in ["epoll_wait", "recvfrom"] {
        let asleep = interrupted.wait_until_asleep_in(call, LONG).unwrap();
        assert_eq!((asleep.call, asleep.pid), (call, interrupted.pid()));
        interrupted.stop().unwrap();
        interrupted.resume().unwrap();
    }
    let ended = interrupted.end(LONG);
    assert_eq!(ended.stdout, "operation interrupted\n");
    assert_hung_in("recvfrom", &ended);
}

#[test]
fn waiting_for_a_sleep_ends_with_the_child_or_the_deadline() {
    let brief = Watched::spawn(shell("exit 0")).unwrap();
    let error = brief.wait_until_asleep_in("epoll_wait", LONG).unwrap_err();
    assert!(error.to_string().contains("ended before"), "{error}");
    brief.signal(Signal(libc::SIGTERM)).expect("a zombie takes signals");
    assert_passed(&brief.end(LONG));

    let busy = Watched::spawn(shell("while :; do :; done")).unwrap();
    let error = busy.wait_until_asleep_in("epoll_wait", Duration::from_millis(50)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    busy.signal(Signal(libc::SIGTERM)).unwrap();
    assert_eq!(busy.end(LONG).how, Ending::Killed(Signal(libc::SIGTERM)));
}

#[test]
fn a_child_outlives_the_thread_that_started_it() {
    let child = thread::spawn(|| Watched::spawn(shell("sleep 0.3; echo done")).unwrap());
    let ended = child.join().unwrap().end(LONG);
    assert_passed(&ended);
    assert_eq!(ended.stdout, "done\n");
}

// Nothing stays behind

/// Whether the process is dead, or will be within the deadline. A zombie is dead: its parent may
/// be slow to reap it.
fn dies(pid: i32) -> bool {
    let from = Instant::now();
    let lives = || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
    };
    while lives() && from.elapsed() < LONG {
        thread::sleep(Duration::from_millis(5));
    }
    !lives()
}

#[test]
fn the_group_ends_with_its_leader() {
    // The grandchild keeps stdout open, and nobody waits for it to close.
    let ended = watch(shell("sleep 1000 & echo $!; exit 0"), LONG).unwrap();
    assert_passed(&ended);
    assert!(dies(ended.stdout.trim().parse().unwrap()));
    assert!(ended.after < Duration::from_secs(10), "{ended}");
}

#[test]
fn the_group_ends_with_a_panic() {
    let (sender, receiver) = mpsc::channel();
    let panic = thread::spawn(move || {
        let watched = Watched::spawn(shell("sleep 1000; :")).unwrap();
        sender.send(watched.pid()).unwrap();
        // In the family by now: the shell's child, which is the one that sleeps.
        sender.send(watched.wait_until_asleep_in("nanosleep", LONG).unwrap().pid).unwrap();
        panic!("on purpose");
    });
    panic.join().unwrap_err();
    let [shell, sleep] = [receiver.recv().unwrap(), receiver.recv().unwrap()];
    assert_ne!(shell, sleep);
    assert!(dies(shell) && dies(sleep));
}

#[test]
fn a_child_dies_with_its_parent() {
    let parent = start("a_child_dies_with_its_parent", || {
        let watched = Watched::spawn(shell("exec sleep 1000")).unwrap();
        println!("{}", watched.pid());
        thread::sleep(Duration::from_secs(1000));
        exit(1);
    });
    // Once the sleep runs, its parent only has to print a line before it sleeps as well.
    while parent.wait_until_asleep_in("nanosleep", LONG).unwrap().pid != parent.pid() {}
    parent.signal(Signal(libc::SIGKILL)).unwrap();
    let ended = parent.end(LONG);
    assert_eq!(ended.how, Ending::Killed(Signal(libc::SIGKILL)));
    assert!(dies(ended.stdout.trim().parse().unwrap()), "it leads a group of its own");
}
