//! Which tests run concurrently. Tests that measure time have the machine to themselves.

use std::cell::RefCell;
use std::ops::Deref;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, OnceLock, Weak};

use contact_search::store::migrations::migrate;

use super::directory::ServerDirectory;
use super::private_database;

struct Slots {
    /// The number of tests that have a database or a server directory.
    taken: usize,
    /// Whether the running test has the machine to itself.
    is_alone: bool,
    /// The number of tests that wait to have the machine to themselves.
    waiting: usize,
}

static SLOTS: Mutex<Slots> = Mutex::new(Slots {
    taken: 0,
    is_alone: false,
    waiting: 0,
});
static ENDED: Condvar = Condvar::new();

thread_local! {
    /// The slot of this thread's test. All databases and directories of a test share one slot.
    static MINE: RefCell<Weak<Slot>> = const { RefCell::new(Weak::new()) };
}

/// A test's permission to run. It ends when its last owner is dropped.
pub struct Slot(());

impl Slot {
    /// Returns the slot of this thread's test. If the test has none, takes a slot that lets other tests run at the same
    /// time. Every `TestDatabase` and every [`OwnDirectory`] calls this.
    pub fn take() -> Arc<Self> {
        Self::mine().unwrap_or_else(|| Self::begin(false))
    }

    /// Takes a slot that lets no other test run at the same time. A test must take it before it creates a database or a
    /// directory.
    pub fn take_alone() -> Arc<Self> {
        assert!(Self::mine().is_none(), "the test already holds a slot");
        Self::begin(true)
    }

    fn mine() -> Option<Arc<Self>> {
        MINE.with_borrow(Weak::upgrade)
    }

    fn begin(alone: bool) -> Arc<Self> {
        let mut slots = SLOTS.lock().unwrap();
        if alone {
            slots.waiting += 1;
            slots = ENDED.wait_while(slots, |slots| slots.taken > 0).unwrap();
            slots.waiting -= 1;
        } else {
            slots = ENDED
                .wait_while(slots, |slots| slots.is_alone || slots.waiting > 0)
                .unwrap();
        }
        slots.taken += 1;
        slots.is_alone = alone;
        let slot = Arc::new(Self(()));
        MINE.set(Arc::downgrade(&slot));
        slot
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut slots = SLOTS.lock().unwrap();
        slots.taken -= 1;
        slots.is_alone = false;
        ENDED.notify_all();
    }
}

/// A test's own directory for a private PostgreSQL, with a slot.
pub struct OwnDirectory {
    directory: ServerDirectory,
    _slot: Arc<Slot>,
}

impl OwnDirectory {
    pub fn new() -> Self {
        let slot = Slot::take();
        Self {
            directory: ServerDirectory::new(),
            _slot: slot,
        }
    }

    /// A directory with a private database that is migrated and has no client. It is a copy, because creating one takes
    /// seconds. For tests that are not about the first start.
    pub fn with_database() -> Self {
        static TEMPLATE: OnceLock<ServerDirectory> = OnceLock::new();
        let own = Self::new();
        let template = TEMPLATE.get_or_init(|| {
            let directory = ServerDirectory::new();
            let database = private_database::open(directory.path());
            let mut owner = private_database::connect(&database.url());
            migrate(&mut owner).expect("the template can be migrated");
            drop(owner);
            database.close().expect("the template can be stopped");
            directory
        });
        let copied = Command::new("cp")
            .arg("-a")
            .args([&template.path().join("postgres"), own.path()])
            .status();
        assert!(
            copied.is_ok_and(|status| status.success()),
            "the template cannot be copied"
        );
        own
    }
}

impl Deref for OwnDirectory {
    type Target = ServerDirectory;

    fn deref(&self) -> &ServerDirectory {
        &self.directory
    }
}

impl AsRef<Path> for OwnDirectory {
    fn as_ref(&self) -> &Path {
        self.directory.path()
    }
}
