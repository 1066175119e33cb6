//! Handles Ctrl-C, SIGTERM and SIGHUP: a command leaves its database before it ends, so that the last process to leave
//! stops the private PostgreSQL.
//!
//! Signals are handled instead of blocked, because child processes would inherit a signal mask.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use parking_lot::Mutex;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use signal_hook::{flag, low_level};

use super::{database, output};

/// Held by whichever ends the process first: the command or the signal handler. It is never released.
static ENDING: Mutex<()> = Mutex::new(());

/// Stops the HTTP server, once it runs. The argument says whether to stop gracefully.
static STOP_SERVER: OnceLock<Box<dyn Fn(bool) + Send + Sync>> = OnceLock::new();

/// Reads files again instead of ending the process on SIGHUP.
static RELOAD: OnceLock<Box<dyn Fn() + Send + Sync>> = OnceLock::new();

/// Adds signals to the watched ones.
static WATCHED: OnceLock<Handle> = OnceLock::new();

/// Starts a thread that handles signals.
pub fn watch() -> io::Result<()> {
    let interrupted = Arc::new(AtomicBool::new(false));
    // After any watched signal, a SIGINT or SIGTERM ends the process at once. PostgreSQL keeps running, as after a
    // `kill -9`, and the next start adopts it.
    //
    // The actions of a signal run in the order of their registration. This action must check the flag before the next
    // action wakes the thread, because the thread sets the flag. In the other order the first signal could end the
    // process.
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, 128 + signal, interrupted.clone())?;
    }
    let mut watched = vec![SIGINT, SIGTERM];
    if !is_ignored(Signal::SIGHUP)? {
        watched.push(SIGHUP);
    }
    let mut signals = Signals::new(watched)?;
    let _ = WATCHED.set(signals.handle());
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            if signal == SIGHUP
                && let Some(reload) = RELOAD.get()
            {
                reload();
                continue;
            }
            interrupted.store(true, Ordering::SeqCst);
            match STOP_SERVER.get() {
                Some(stop) => stop(signal != SIGINT),
                None => end(signal),
            }
        }
    })?;
    Ok(())
}

/// From now on a signal calls `stop`, with `true` for a graceful stop, instead of ending the process. The command then
/// ends by itself.
pub fn hand_over(stop: impl Fn(bool) + Send + Sync + 'static) {
    // A process runs one server, so this is never set twice.
    let _ = STOP_SERVER.set(Box::new(stop));
}

/// From now on SIGHUP calls `reload` instead of ending the process, also if the process was started with SIGHUP ignored.
///
/// # Errors
/// If the system refuses the handler.
pub fn reload_on_hangup(reload: impl Fn() + Send + Sync + 'static) -> io::Result<()> {
    let _ = RELOAD.set(Box::new(reload));
    WATCHED.get().map_or(Ok(()), |watched| watched.add_signal(SIGHUP))
}

/// Called when the command ends. If a signal is already ending the process, this never returns: the command's error is
/// then only a consequence of the shutdown.
pub fn finish() {
    std::mem::forget(ENDING.lock());
}

fn end(signal: i32) -> ! {
    finish();
    // On a terminal the current line may already contain a progress bar or `^C`.
    let start = if io::stderr().is_terminal() { "\n" } else { "" };
    let name = low_level::signal_name(signal).unwrap_or("a signal");
    output::say(format_args!("{start}contact-search: interrupted by {name}"));
    database::leave();
    // Skips C's exit handlers, which would unload libraries while other threads still use them.
    low_level::exit(128 + signal)
}

/// Whether the parent process asked to ignore the signal, as `nohup` does.
#[allow(unsafe_code, reason = "sigaction has no safe form")]
fn is_ignored(signal: Signal) -> io::Result<bool> {
    let ignore = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
    // SAFETY: a signal's action cannot be read without replacing it for a moment. The replacement calls no function of
    // ours, and the old action is restored.
    unsafe {
        let before = sigaction(signal, &ignore)?;
        sigaction(signal, &before)?;
        Ok(matches!(before.handler(), SigHandler::SigIgn))
    }
}
