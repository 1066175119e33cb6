//! Overload: the server answers as many requests as it can and sheds the rest quickly.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::app::REAL_DEADLINES;
use crate::support::{Contact, Slot, TestApp};

/// The duration of the lookup's statement in this test, and the number of connections.
const STATEMENT: Duration = Duration::from_millis(50);
const POOL_SIZE: usize = 2;

const LOOKUP: &str = "/api/v1/contact-lookup/?phone=%2B5491123456789";

/// The durations of the answered and of the shed requests.
#[derive(Default)]
struct Outcome {
    good: Vec<Duration>,
    shed: Vec<Duration>,
}

/// Sends lookups from `callers` callers for `time`. Each caller starts a request every `pace`. If the previous answer
/// takes longer, the caller starts the next request as soon as it arrives.
fn ask(app: &TestApp, callers: usize, pace: Duration, time: Duration) -> Outcome {
    let should_stop = AtomicBool::new(false);
    let call = |number: usize| {
        let mut outcome = Outcome::default();
        let mut due = Instant::now() + pace.mul_f64(number as f64 / callers as f64);
        while !should_stop.load(Ordering::Relaxed) {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let start = Instant::now();
            due = start + pace;
            let answer = app.get(LOOKUP);
            match (answer.status, answer.header("retry-after")) {
                (200, _) => outcome.good.push(start.elapsed()),
                (503, Some("1")) => outcome.shed.push(start.elapsed()),
                other => panic!("{other:?}"),
            }
        }
        outcome
    };
    thread::scope(|scope| {
        let call = &call;
        let callers: Vec<_> = (0..callers).map(|number| scope.spawn(move || call(number))).collect();
        thread::sleep(time);
        should_stop.store(true, Ordering::Relaxed);
        let mut all = Outcome::default();
        for caller in callers {
            let outcome = caller.join().expect("every answer is 200 or 503");
            all.good.extend(outcome.good);
            all.shed.extend(outcome.shed);
        }
        all
    })
}

/// The duration below which `percent` per cent of the times lie.
fn quantile(times: &[Duration], percent: usize) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted[(sorted.len() * percent).div_ceil(100) - 1]
}

#[test]
fn ten_times_the_sustainable_load_is_shed_instead_of_queued() {
    let _alone = Slot::take_alone();
    let app = TestApp::start_with(&[&["--pool-size", &POOL_SIZE.to_string()], &REAL_DEADLINES[..]].concat());
    app.add(Contact {
        phone: Some("+5491123456789"),
        ..Contact::default()
    });
    // Makes the database slow without using the processor.
    app.sql(&format!(
        "ALTER TABLE contact_lists RENAME TO kept_lists;
         CREATE VIEW contact_lists AS
             SELECT kept_lists.* FROM kept_lists, (SELECT pg_sleep({})) AS slowly",
        STATEMENT.as_secs_f64()
    ));
    let time = Duration::from_secs(3);
    let peak = ask(&app, POOL_SIZE, Duration::ZERO, time);
    assert!(peak.shed.is_empty() && peak.good.iter().all(|took| *took >= STATEMENT));
    let sustainable_rate = POOL_SIZE as f64 / STATEMENT.as_secs_f64();
    let callers = 100;
    let overloaded = ask(
        &app,
        callers,
        Duration::from_secs_f64(callers as f64 / (10.0 * sustainable_rate)),
        time,
    );
    let (good, shed) = (overloaded.good.len(), overloaded.shed.len());
    println!(
        "peak {} in {time:?}; then {good} good, p99 {:?}, and {shed} shed, p99 {:?}",
        peak.good.len(),
        quantile(&overloaded.good, 99),
        quantile(&overloaded.shed, 99),
    );
    assert!(shed > 5 * good, "the load is no overload: {good} good, {shed} shed");
    assert!(
        good * 10 >= peak.good.len() * 9,
        "{good} good answers of {}",
        peak.good.len()
    );
    assert!(quantile(&overloaded.good, 99) <= STATEMENT + Duration::from_millis(300));
    let log = app.server.log.lock().unwrap().clone();
    let warnings = log.matches("no capacity").count();
    assert!(warnings <= 10, "more than one line a second: {warnings}");
}
