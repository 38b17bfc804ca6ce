//! Timers and signals as descriptors. None of this needs root.

use std::os::fd::AsFd;
use std::time::Duration;

use quadrant_bpf::interrupt::interruptibly;
use quadrant_bpf::wait::{Epoll, Signals, Timer};

#[test]
fn timers_wake() {
    let epoll = Epoll::new().unwrap();
    let (once, every) = (Timer::once(Duration::ZERO).unwrap(), Timer::every(Duration::from_micros(100)).unwrap());
    epoll.add(once.as_fd(), 1).unwrap();
    epoll.add(every.as_fd(), 2).unwrap();
    let (mut ready, mut first, mut second) = (Vec::new(), 0, 0);
    while first < 1 || second < 3 {
        epoll.wait(None, &mut ready).unwrap();
        first += once.fired().unwrap();
        second += every.fired().unwrap();
    }
    assert_eq!(once.fired().unwrap(), 0);
    epoll.remove(every.as_fd()).unwrap();
    epoll.wait(Some(Duration::ZERO), &mut ready).unwrap();
    assert!(ready.is_empty());
}

#[test]
fn signals_are_read() {
    let signals = Signals::take(&[libc::SIGUSR1]).unwrap();
    assert_eq!(signals.next().unwrap(), None);
    // SAFETY: the signal goes to the calling thread, which blocks it.
    unsafe { libc::pthread_kill(libc::pthread_self(), libc::SIGUSR1) };
    let epoll = Epoll::new().unwrap();
    epoll.add(signals.as_fd(), 1).unwrap();
    let mut ready = Vec::new();
    epoll.wait(None, &mut ready).unwrap();
    assert_eq!(ready, [1]);
    assert_eq!(signals.next().unwrap(), Some(libc::SIGUSR1));
    assert!(Signals::take(&[9999]).is_err());
}

#[test]
fn an_ending_signal_acts_in_calls_that_may_block() {
    let signals = Signals::take_ending(&[libc::SIGUSR2]).unwrap();
    // SAFETY: the signal goes to the calling thread, which blocks it.
    let raise = || unsafe { libc::pthread_kill(libc::pthread_self(), libc::SIGUSR2) };
    raise();
    interruptibly(|| {});
    assert_eq!(signals.next().unwrap(), Some(libc::SIGUSR2));
    assert_eq!(signals.next().unwrap(), None);
    raise();
    assert_eq!(signals.next().unwrap(), Some(libc::SIGUSR2));
}
