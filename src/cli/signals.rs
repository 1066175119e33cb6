//! What Ctrl-C, SIGTERM and SIGHUP do: a command leaves its database before it ends, so that the last one stops the
//! private PostgreSQL here too.
//!
//! The signals are handled rather than blocked, since every program that we start would inherit a mask.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use parking_lot::Mutex;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::{flag, low_level};

use super::{database, output};

/// What ends the process has this, for good: a command that came to its end, or a signal.
static ENDING: Mutex<()> = Mutex::new(());

/// How the HTTP server is told to stop, once it runs; whether gracefully is the argument.
static STOP_SERVER: OnceLock<Box<dyn Fn(bool) + Send + Sync>> = OnceLock::new();

/// Watches for signals from here on, in a thread.
pub fn watch() -> io::Result<()> {
    let interrupted = Arc::new(AtomicBool::new(false));
    // Whoever presses Ctrl-C again won't wait. PostgreSQL may stay then, as after a `kill -9`, and the next start
    // takes it over. Before the rest, whose thread sets the flag while the handlers still run one after another.
    flag::register_conditional_shutdown(SIGINT, 128 + SIGINT, interrupted.clone())?;
    let mut watched = vec![SIGINT, SIGTERM];
    if !is_ignored(Signal::SIGHUP)? {
        watched.push(SIGHUP);
    }
    let mut signals = Signals::new(watched)?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            interrupted.store(true, Ordering::SeqCst);
            match STOP_SERVER.get() {
                Some(stop) => stop(signal != SIGINT),
                None => end(signal),
            }
        }
    })?;
    Ok(())
}

/// From here on a signal calls `stop`, with whether to be graceful, and the command itself comes to its end.
pub fn hand_over(stop: impl Fn(bool) + Send + Sync + 'static) {
    // A process serves once.
    let _ = STOP_SERVER.set(Box::new(stop));
}

/// The command has come to its end and says how it went; where a signal ends the process this doesn't return, since
/// what became of a command whose database was closed under it is no news.
pub fn finish() {
    std::mem::forget(ENDING.lock());
}

fn end(signal: i32) -> ! {
    finish();
    // On a terminal the line of a progress bar, or of `^C`, is begun.
    let start = if io::stderr().is_terminal() { "\n" } else { "" };
    let name = low_level::signal_name(signal).unwrap_or("a signal");
    output::say(format_args!("{start}contact-search: interrupted by {name}"));
    database::leave();
    // Without C's exit handlers, which would take libraries down under the threads that still use them.
    low_level::exit(128 + signal)
}

/// Whether whoever started us wants the signal to be ignored, as `nohup` does.
fn is_ignored(signal: Signal) -> io::Result<bool> {
    let ignore = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
    // SAFETY: what a signal does can't be asked without changing it for the moment. No function of ours is called by
    // it meanwhile, and what is put back is what was there.
    unsafe {
        let before = sigaction(signal, &ignore)?;
        sigaction(signal, &before)?;
        Ok(matches!(before.handler(), SigHandler::SigIgn))
    }
}
