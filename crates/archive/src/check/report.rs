//! What a check found, in stable words.

/// One kind of finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    /// `VERSION` is not a version.
    Version,
    /// `key-mark` is not this key's.
    KeyMark,
    /// A file or folder that this program does not make.
    Unknown,
    /// A segment of the intake log is damaged: the next start refuses.
    Segment,
    /// The newest segment ends in bytes that are no whole record: torn by a crash, or damaged. Not believed.
    Tail,
    /// The index's snapshot does not open; a start makes it anew from the rows.
    Snapshot,
    /// A pack's directory cannot be read; the objects in it are looked at one by one all the same.
    Pack,
    /// A pack that is named by objects is not there.
    PackMissing,
    /// A database says that it is damaged.
    Database,
    /// Rows were put back, put in, changed or taken away since the last entry.
    RowsOlder,
    /// The same of wraps.
    WrapsOlder,
    /// A row does not open.
    Row,
    /// A page whose study or predecessor is missing; its instances are not served.
    Page,
    /// A flaw of the ledger ([`ledger::inspect::Flaw`]).
    Ledger(ledger::inspect::Flaw),
    /// A body does not open, or is not its leaf's.
    Body,
    /// A known checkpoint is not one of this ledger.
    Checkpoint,
    /// The ledger's public key beside the keys is not this archive's.
    VerifierKey,
    /// Policies or configuration are not those of the last start.
    Settings,
    /// The key of an object or patient is gone or does not open.
    Wrap,
    /// An object is not there.
    ObjectMissing,
    /// An object does not open, or its bytes are not those that were stored.
    Object,
    /// A sidecar is not there or does not open; more is hidden until the object is examined anew.
    Sidecar,
    /// An object that neither index nor ledger names.
    Stray,
    /// A sidecar of an object that is not there.
    StraySidecar,
    /// The ledger says that it was stored, and the index does not know it.
    Unindexed,
    /// The index knows an object that the ledger does not.
    Unrecorded,
    /// The index and the entry of the arrival name different digests.
    Contradiction,
}

impl What {
    /// Stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::KeyMark => "key-mark",
            Self::Unknown => "unknown-file",
            Self::Segment => "segment",
            Self::Tail => "segment-tail",
            Self::Snapshot => "index-snapshot",
            Self::Pack => "pack-directory",
            Self::PackMissing => "pack-missing",
            Self::Database => "database",
            Self::RowsOlder => "rows-not-as-recorded",
            Self::WrapsOlder => "wraps-not-as-recorded",
            Self::Row => "row-broken",
            Self::Page => "page-lost",
            Self::Ledger(flaw) => flaw.as_str(),
            Self::Body => "entry-unreadable",
            Self::Checkpoint => "checkpoint-invalid",
            Self::VerifierKey => "verifier-key",
            Self::Settings => "settings-differ",
            Self::Wrap => "key-lost",
            Self::ObjectMissing => "object-missing",
            Self::Object => "object-broken",
            Self::Sidecar => "sidecar-broken",
            Self::Stray => "object-stray",
            Self::StraySidecar => "sidecar-stray",
            Self::Unindexed => "object-not-indexed",
            Self::Unrecorded => "object-not-recorded",
            Self::Contradiction => "digest-contradicts",
        }
    }

    /// Worth knowing, and no damage.
    #[must_use]
    pub const fn is_notice(self) -> bool {
        matches!(self, Self::Settings | Self::Tail | Self::Stray | Self::StraySidecar | Self::Unknown)
    }
}

/// One damaged thing and what it affects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub what: What,
    /// Where: a file below the data folder, an object, an entry.
    pub place: String,
    /// Studies, instances or entries that it concerns, as far as is known.
    pub affects: Vec<String>,
    /// Put right by this run.
    pub mended: bool,
}

impl Finding {
    /// Nothing is put right yet.
    #[must_use]
    pub fn new(what: What, place: impl Into<String>) -> Self {
        Self { what, place: place.into(), affects: Vec::new(), mended: false }
    }
}

/// All of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Entries of the ledger.
    pub entries: u64,
    /// Rows opened.
    pub rows: u64,
    /// Objects opened, those of an interrupted run included.
    pub objects: u64,
    /// Sidecars opened.
    pub sidecars: u64,
    /// Entries whose leaf and place are signed by this key.
    pub genuine: u64,
    /// Flaws of the ledger, in the order of their findings.
    pub(super) flaws: Vec<ledger::inspect::Found>,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Nothing is damaged, or everything that was is put right.
    #[must_use]
    pub fn good(&self) -> bool {
        self.findings.iter().all(|f| f.mended || f.what.is_notice())
    }
}
