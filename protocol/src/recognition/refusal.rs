//! Why a trader is not recognised, or a row gives nothing: every reason by name, with a sentence.

use crate::credential::claims::AeoStanding;
use crate::document::NoRight;
use crate::keys::KeyId;
use crate::names::{MemberId, Purpose, Slug, Territory};
use crate::time::{Day, Millis};

/// A reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No attestation under the number was known.
    #[error("no attestation under this number was known at {at}")]
    Unknown {
        /// The moment asked about.
        at: Millis,
    },
    /// The asking member takes no part.
    #[error("who asks: {0}")]
    Asking(NoRight),
    /// No charter was known.
    #[error("no charter was known at {at}")]
    NoCharter {
        /// The moment asked about.
        at: Millis,
    },
    /// The attestation was taken back by whoever handed it in.
    #[error("the attestation of {issuer} was removed at {at}")]
    Removed {
        /// Its issuer.
        issuer: MemberId,
        /// When that became known.
        at: Millis,
    },
    /// The credential lives from later on.
    #[error("the credential of {issuer} was issued at {issued_at} (seconds since 1970), after the moment asked about")]
    NotYet {
        /// Its issuer.
        issuer: MemberId,
        /// When it was issued.
        issued_at: u64,
    },
    /// The credential lives no longer.
    #[error("the credential of {issuer} expired at {expires} (seconds since 1970) and no newer one was known")]
    Expired {
        /// Its issuer.
        issuer: MemberId,
        /// When it expired.
        expires: u64,
    },
    /// The issuer may not issue such.
    #[error("the issuer's right: {0}")]
    NoRight(NoRight),
    /// A programme of another country.
    #[error("{issuer} is of {territory} and cannot attest for {country}")]
    ForeignProgramme {
        /// The issuer.
        issuer: MemberId,
        /// Its territory.
        territory: Territory,
        /// The territory of the programme or mandate.
        country: Territory,
    },
    /// No card of the issuer named the key.
    #[error("no card of {issuer} named the key {key} that signed the credential")]
    KeyUnknown {
        /// The issuer.
        issuer: MemberId,
        /// The key.
        key: KeyId,
    },
    /// The card names the key for other days.
    #[error("the card of {issuer} has the key {key} for other days than {day}, when the credential was issued")]
    KeyDays {
        /// The issuer.
        issuer: MemberId,
        /// The key.
        key: KeyId,
        /// The day of issue.
        day: Day,
    },
    /// The key was revoked.
    #[error("the key {key} of {issuer} was revoked at {at}")]
    KeyRevoked {
        /// The issuer.
        issuer: MemberId,
        /// The key.
        key: KeyId,
        /// When that became known.
        at: Millis,
    },
    /// Nothing is known of the status.
    #[error("no status of the credential was known: the list {uri} of {issuer} was not there, or has no such number")]
    NoStatus {
        /// The issuer.
        issuer: MemberId,
        /// The list.
        uri: String,
    },
    /// The key that signed the newest status list does not count.
    #[error("the newest status list {uri} that was known: {why}")]
    ListKey {
        /// The list.
        uri: String,
        /// What is wrong with its key.
        why: Box<Refusal>,
    },
    /// The newest status list holds no longer.
    #[error("the newest status list of {issuer} that was known expired at {expires} (seconds since 1970)")]
    StatusExpired {
        /// The issuer.
        issuer: MemberId,
        /// When it expired.
        expires: u64,
    },
    /// Suspended by its status.
    #[error("{issuer} suspended the credential; known since {since}")]
    Suspended {
        /// The issuer.
        issuer: MemberId,
        /// When that became known.
        since: Millis,
    },
    /// Revoked by its status.
    #[error("{issuer} revoked the credential; known since {since}")]
    Revoked {
        /// The issuer.
        issuer: MemberId,
        /// When that became known.
        since: Millis,
    },
    /// A status that says nothing here.
    #[error("{issuer} gave the credential the status {status}, which is not known here")]
    OtherStatus {
        /// The issuer.
        issuer: MemberId,
        /// The status.
        status: u8,
    },
    /// The authorisation itself is not active.
    #[error("{issuer} attests the authorisation as {standing} since {since}")]
    Standing {
        /// The issuer.
        issuer: MemberId,
        /// How it stands.
        standing: AeoStanding,
        /// Since when.
        since: Day,
    },
    /// The authorisation is active from a later day on.
    #[error("{issuer} attests the authorisation as active from {since} on, and it was {day}")]
    NotActiveYet {
        /// The issuer.
        issuer: MemberId,
        /// Its first day.
        since: Day,
        /// The day asked about.
        day: Day,
    },
    /// A seller that was checked is vouched for, and no trusted trader.
    #[error(
        "{issuer} vouches for a seller; 'vetted_seller' is no authorisation and gives no benefit under any agreement"
    )]
    SellerOnly {
        /// The issuer.
        issuer: MemberId,
    },
    /// A mandate to collect is for another purpose.
    #[error("a mandate to collect is for revenue, not for {purpose}")]
    MandatePurpose {
        /// The purpose asked for.
        purpose: Purpose,
    },
    /// A mandate to collect is for another territory.
    #[error("the mandate to collect is for {territory}; who asks is of {asking}")]
    MandateTerritory {
        /// Its territory.
        territory: Territory,
        /// The territory of who asks.
        asking: Territory,
    },
    /// A mandate to collect is for other days.
    #[error("the mandate to collect is from {from}{}, not on {day}", until.map(|day| format!(" to {day}")).unwrap_or_default())]
    MandateDays {
        /// Its first day.
        from: Day,
        /// Its last one.
        until: Option<Day>,
        /// The day asked about.
        day: Day,
    },
    /// An authorisation for simplifications alone.
    #[error("the authorisation by {issuer} covers simplifications only; agreements recognise security status only")]
    SimplificationOnly {
        /// The issuer.
        issuer: MemberId,
    },
    /// No row of any agreement is about the two.
    #[error("no agreement known by then has {asking} recognise 'aeo' of {issuer}")]
    NoAgreement {
        /// Who asks.
        asking: MemberId,
        /// The issuer.
        issuer: MemberId,
    },
    /// A row is about another programme.
    #[error("agreement {agreement}, recognition {row}: it is about the programme '{programme}'")]
    Programme {
        /// The agreement.
        agreement: Slug,
        /// The row, from 1.
        row: usize,
        /// Its programme.
        programme: String,
    },
    /// The version does not hold any more: it was contradicted or withdrawn.
    #[error("agreement {agreement} version {version} does not hold since {at}")]
    AgreementVoid {
        /// The agreement.
        agreement: Slug,
        /// The version.
        version: u64,
        /// Since when that is known.
        at: Millis,
    },
    /// A version became known that is not remembered any more, so nobody knows what holds.
    #[error(
        "agreement {agreement}: a version that became known at {since} was beyond those that are remembered, so none is said to hold"
    )]
    AgreementBeyond {
        /// The agreement.
        agreement: Slug,
        /// When it became known.
        since: Millis,
    },
    /// A later version took the place of the row's.
    #[error("agreement {agreement} version {version}: version {by} took its place on {from}")]
    Superseded {
        /// The agreement.
        agreement: Slug,
        /// The row's version.
        version: u64,
        /// The later one.
        by: u64,
        /// Its first day.
        from: Day,
    },
    /// The agreement begins later.
    #[error("agreement {agreement} is in force from {from} on")]
    AgreementNotYet {
        /// The agreement.
        agreement: Slug,
        /// Its first day.
        from: Day,
    },
    /// The agreement has ended.
    #[error("agreement {agreement} was in force until {until}")]
    AgreementEnded {
        /// The agreement.
        agreement: Slug,
        /// Its last day.
        until: Day,
    },
    /// A party suspended the agreement.
    #[error("agreement {agreement} is suspended by {by}; known since {since}")]
    AgreementSuspended {
        /// The agreement.
        agreement: Slug,
        /// Who suspended it.
        by: MemberId,
        /// Since when that is known.
        since: Millis,
    },
    /// No party speaks for the territory.
    #[error(
        "agreement {agreement}, recognition {row}: no active customs administration among its parties speaks for {territory}"
    )]
    NobodySpeaks {
        /// The agreement.
        agreement: Slug,
        /// The row, from 1.
        row: usize,
        /// The territory.
        territory: Territory,
    },
    /// The row is for other purposes.
    #[error("agreement {agreement}, recognition {row}: it is not for {purpose}")]
    NotForPurpose {
        /// The agreement.
        agreement: Slug,
        /// The row, from 1.
        row: usize,
        /// The purpose asked for.
        purpose: Purpose,
    },
    /// The row excepts goods, and no goods were told.
    #[error("agreement {agreement}, recognition {row}: it excepts some goods, and no tariff code was told")]
    GoodsUnknown {
        /// The agreement.
        agreement: Slug,
        /// The row, from 1.
        row: usize,
    },
    /// The row excepts these goods.
    #[error("agreement {agreement}, recognition {row}: goods under {prefix} are excepted, and {code} is among them")]
    GoodsExcepted {
        /// The agreement.
        agreement: Slug,
        /// The row, from 1.
        row: usize,
        /// The prefix.
        prefix: String,
        /// The code told.
        code: String,
    },
    /// Less of a code was told than the row needs to know whether the goods are excepted, or no code.
    #[error(
        "agreement {agreement}, recognition {row}: '{code}' does not tell whether goods under {prefix} are excepted"
    )]
    CodeUnclear {
        /// The agreement.
        agreement: Slug,
        /// The row, from 1.
        row: usize,
        /// The prefix.
        prefix: String,
        /// The code told.
        code: String,
    },
    /// The row needs data that were not given.
    #[error("agreement {agreement}, recognition {row}: it needs '{name}', which was not given")]
    DataMissing {
        /// The agreement.
        agreement: Slug,
        /// The row, from 1.
        row: usize,
        /// The data.
        name: String,
    },
    /// What was known then is no longer remembered.
    #[error("what was known before {before} is no longer remembered, so nothing can be said of that time")]
    HistoryCut {
        /// From when on it is remembered.
        before: Millis,
    },
}

impl Refusal {
    /// How near to being recognised it was: of several reasons the one furthest on is told first.
    pub(super) fn stage(&self) -> u8 {
        match self {
            Self::Unknown { .. } | Self::Asking(_) | Self::NoCharter { .. } => 0,
            Self::Removed { .. } => 1,
            Self::NotYet { .. } | Self::Expired { .. } => 2,
            Self::NoRight(_) | Self::ForeignProgramme { .. } => 3,
            Self::KeyUnknown { .. } | Self::KeyDays { .. } | Self::KeyRevoked { .. } => 4,
            Self::NoStatus { .. } | Self::ListKey { .. } | Self::StatusExpired { .. } => 5,
            Self::Suspended { .. } | Self::Revoked { .. } | Self::OtherStatus { .. } => 6,
            Self::Standing { .. } | Self::NotActiveYet { .. } => 6,
            Self::SellerOnly { .. } | Self::SimplificationOnly { .. } => 7,
            Self::MandatePurpose { .. } | Self::MandateTerritory { .. } | Self::MandateDays { .. } => 7,
            Self::NoAgreement { .. } => 8,
            Self::Programme { .. } => 9,
            Self::AgreementBeyond { .. } | Self::AgreementVoid { .. } | Self::Superseded { .. } => 10,
            Self::AgreementNotYet { .. } | Self::AgreementEnded { .. } => 11,
            Self::AgreementSuspended { .. } | Self::NobodySpeaks { .. } => 12,
            Self::NotForPurpose { .. } => 13,
            Self::GoodsUnknown { .. } | Self::GoodsExcepted { .. } | Self::CodeUnclear { .. } => 14,
            Self::DataMissing { .. } => 15,
            Self::HistoryCut { .. } => 16,
        }
    }
}
