//! Who runs beside whom: the tests whose promise is a time have the machine to themselves.

use std::cell::RefCell;
use std::ops::Deref;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, Weak};

use super::directory::ServerDirectory;

struct Turns {
    /// How many tests have a database or a server directory.
    taken: usize,
    /// Whether the one that has is alone, and how many wait to be.
    is_alone: bool,
    waiting: usize,
}

static TURNS: Mutex<Turns> = Mutex::new(Turns {
    taken: 0,
    is_alone: false,
    waiting: 0,
});
static ENDED: Condvar = Condvar::new();

thread_local! {
    /// Each test has a thread of its own; what it takes after the first is the same turn.
    static MINE: RefCell<Weak<Turn>> = const { RefCell::new(Weak::new()) };
}

/// A test's place among those that run; it ends with the last of what holds it.
pub struct Turn(());

impl Turn {
    /// Beside others. Whatever costs the processors time to make holds one.
    pub fn take() -> Arc<Self> {
        Self::mine().unwrap_or_else(|| Self::begin(false))
    }

    /// With no other test beside; to be taken before anything else.
    pub fn take_alone() -> Arc<Self> {
        assert!(Self::mine().is_none(), "the test has something already");
        Self::begin(true)
    }

    fn mine() -> Option<Arc<Self>> {
        MINE.with_borrow(Weak::upgrade)
    }

    fn begin(alone: bool) -> Arc<Self> {
        let mut turns = TURNS.lock().unwrap();
        if alone {
            turns.waiting += 1;
            turns = ENDED.wait_while(turns, |turns| turns.taken > 0).unwrap();
            turns.waiting -= 1;
        } else {
            turns = ENDED
                .wait_while(turns, |turns| turns.is_alone || turns.waiting > 0)
                .unwrap();
        }
        turns.taken += 1;
        turns.is_alone = alone;
        let turn = Arc::new(Self(()));
        MINE.set(Arc::downgrade(&turn));
        turn
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut turns = TURNS.lock().unwrap();
        turns.taken -= 1;
        turns.is_alone = false;
        ENDED.notify_all();
    }
}

/// A test's own directory for a private PostgreSQL.
pub struct OwnDirectory {
    directory: ServerDirectory,
    _turn: Arc<Turn>,
}

impl OwnDirectory {
    pub fn new() -> Self {
        let turn = Turn::take();
        Self {
            directory: ServerDirectory::new(),
            _turn: turn,
        }
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
