//! Why a request is not among the compared: every word the funnel knows.
//!
//! Each is a closed list so that nobody invents a reason in passing; the names on the wire of
//! the API are those of `as_str`. New reasons are added at the end (the envelope stores places).

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident => $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in API, metrics and pages.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                match text { $($text => Ok(Self::$variant),)+ _ => Err(()) }
            }
        }
    };
}

reasons! {
    /// Seen by the tap, not meant to be copied.
    NotCopiedReason {
        /// An unsafe method without `--writes` and without a slice that allows it.
        Write => "write",
        /// Excluded by the configuration.
        Excluded => "excluded",
        /// The request body is over the cap.
        RequestOverCap => "request_over_cap",
        /// An upgraded connection (WebSocket and others).
        Upgraded => "upgraded",
        /// CORS preflight.
        Preflight => "preflight",
        /// Carries the shadow mark: it is a replay itself.
        Shadow => "shadow",
        /// The primary could not be reached or did not answer.
        PrimaryUnreachable => "primary_unreachable",
        /// The client or the primary ended it before the end.
        Aborted => "aborted",
        /// Copying is paused.
        Paused => "paused",
        /// A malformed or forbidden request that the tap answered itself.
        Refused => "refused",
    }
}

reasons! {
    /// Meant to be copied, lost in the tap.
    DropReason {
        /// The hand-over to the publisher was full.
        HandoverFull => "handover_full",
        /// The byte budget for captures was used up.
        ByteBudget => "byte_budget",
        /// The spool reached its bound.
        SpoolFull => "spool_full",
        /// The spool could not be written.
        SpoolFailed => "spool_failed",
        /// No spool and no confirm within the deadline.
        Unconfirmed => "unconfirmed",
        /// Could not be packed.
        Unpackable => "unpackable",
    }
}

reasons! {
    /// Captured, and for a stated reason without a verdict.
    SkipReason {
        /// The primary answered 304.
        NotModified => "not_modified",
        /// The primary answered 206.
        Partial => "partial",
        Stale => "stale",
        SessionGap => "session_gap",
        SessionBacklog => "session_backlog",
        /// A write whose first sending is not known to have ended.
        WriteUnknown => "write_unknown",
        UnmappedId => "unmapped_id",
        Credentials => "credentials",
        /// A write, and this replayer does not send writes.
        WritesOff => "writes_off",
    }
}

reasons! {
    /// Set aside with its sealed original because it could not be processed.
    ParkReason {
        /// A worker panicked on it three times.
        Panic => "panic",
        /// The broker delivered its message too often.
        DeliveryLimit => "delivery_limit",
        /// It could not be decoded or opened.
        Unreadable => "unreadable",
        /// Replaying or judging it began three times and never ended.
        BegunThreeTimes => "begun_three_times",
        /// The store takes all but this one.
        Unrecordable => "unrecordable",
    }
}

reasons! {
    /// Why a side gave no answer; a result, not a loss.
    NoAnswerReason {
        Timeout => "timeout",
        /// Refused or unreachable.
        Connect => "connect",
        /// Broke off within the response.
        Broken => "broken",
        /// Larger than the limit for answers.
        TooLarge => "too_large",
        /// Not HTTP.
        Malformed => "malformed",
        /// The request could not be formed for this side.
        Unsendable => "unsendable",
        /// The connection closed before the head of an answer.
        Closed => "closed",
    }
}
