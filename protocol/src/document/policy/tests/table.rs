//! What the policy says, case by case, each expectation written by hand from SPEC.md section 5, one line a case.
//!
//! A question is `type from>to purpose day` as in [`super::row`]. An answer is `groups row`, the row as in `P1.2`: agreement P,
//! its version 1, row 2; or `!` and the reason, as [`denial`] reads it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::{Documents, agreement, day, purpose, row, set, types};
use crate::document::policy::{Ask, Denial, Rule};
use crate::document::{Directory, MemberStatus, OnwardAsk, Role};
use crate::hash::Digest;
use crate::names::{MemberId, Territory};
use crate::record::{DECLARATION, GroupSet, OPENING, table};
use crate::testing::slug;

/// In the charter that holds, to 30 June 2027, `cc` is suspended and `go` removed.
const MEMBERS: [&str; 11] = [
    "de post DE active",
    "fr post FR active",
    "kr customs KR active",
    "jp customs JP active",
    "us customs US active",
    "it customs IT active",
    "pl platform CN active",
    "pf platform FR active",
    "au auditor CH active",
    "cc carrier DE active",
    "go broker DE active",
];

/// Letter, id, and for each version first day, last day, rows.
type Versions = &'static [(&'static str, &'static str, &'static [&'static str])];
const AGREEMENTS: [(&str, &str, Versions); 15] = [
    // A later version takes the place of the one before it on its first day.
    (
        "P",
        "parcels",
        &[
            (
                "26-01-01",
                "27-12-31",
                &["d1 de>kr saf firms 30", "d1 de>kr rev fv 365", "d1 kr>de fac f 10", "d1,9 de>kr del fi 20"],
            ),
            ("26-12-01", "27-12-31", &["d1 de>kr saf firp 60", "d1 kr>de fac fi 5", "d1 de>kr age f 7"]),
            ("27-03-01", "27-03-31", &["d1 de>kr saf f 60"]),
        ],
    ),
    ("E", "ended", &[("25-01-01", "26-11-22", &["d1 de>kr sta fi 30", "d1 kr>jp saf f 3"])]),
    ("F", "future", &[("27-01-01", "27-12-31", &["d1 de>kr ser f 30"])]),
    // Suspended by jp.
    ("M", "many", &[("26-01-01", "28-12-31", &["d1 de,fr>jp,us saf fi 30", "d1 fr>us rev v 30", "d1 jp>de saf f 3"])]),
    // Suspended by fr, and resumed.
    ("R", "resumed", &[("26-01-01", "28-12-31", &["d1 fr>kr saf fi 30"])]),
    (
        "T",
        "terms",
        &[(
            "26-01-01",
            "28-12-31",
            &[
                "d1 us>kr saf fi 30 unlinkable=yes",
                "d1 us>kr rev v 30 unlinkable=no",
                "d1 us>kr fac fi 30 watermark=yes",
                "d1 us>kr del fi 30 when_stale=stop",
                "d1 us>kr age fi 30 deletion_receipt=yes evidence=yes",
                "d9 us>kr enf fi 30 watermark=yes",
                "d1 us>kr sta fi 30 evidence=yes when_stale=later",
            ],
        )],
    ),
    (
        "U",
        "unknown",
        &[(
            "26-01-01",
            "28-12-31",
            &["d1 us>jp saf fx 30", "d9 us>jp rev f 30", "p1 us>jp fac f 30", "d1,9 us>jp del fi 30"],
        )],
    ),
    (
        "L",
        "law",
        &[(
            "26-01-01",
            "28-12-31",
            &[
                "d1 kr>us saf firs 30",
                "d1 kr>us rev v 30",
                "d1 kr>us sta fim 30",
                "d1 kr>us enf fi 30",
                "d1 kr>jp rev v 30",
                "d1 kr>us fac s 30",
                "d1 us>fr rev v 30",
                "d1,9 kr>us ser f 30",
                "d1 jp>us del fs 30",
                "d1 kr>us age fi 30",
            ],
        )],
    ),
    (
        "H",
        "mandate",
        &[(
            "26-01-01",
            "28-12-31",
            &[
                "o1 de,kr>au aud be 90",
                "o1 de>au aud k 90",
                "o1 cc>au aud kb 90",
                "o1 go>au aud k 90",
                "o1 us>au aud kb 90 when_stale=stop",
                "o1 fr>au aud k 90 watermark=yes",
                "o1 jp>au aud kbe 90",
                "o1 de>cc aud k 90",
            ],
        )],
    ),
    (
        "S",
        "status",
        &[(
            "26-01-01",
            "28-12-31",
            &["d1 de>cc saf f 30", "d1 cc>de saf f 30", "d1 de>go saf f 30", "d1 go>de saf f 30", "d1 de>it saf f 30"],
        )],
    ),
    // Rows for one and the same flow.
    (
        "K",
        "keys",
        &[(
            "26-01-01",
            "28-12-31",
            &[
                "d1 fr>kr del fi 10",
                "d1 fr>kr del firm 20",
                "d1 fr>kr rev f 90 watermark=yes",
                "d1 fr>kr rev fv 9",
                "d1 fr>kr sta f 9",
                "d1 fr>kr sta f 9 watermark=yes",
            ],
        )],
    ),
    ("A", "a-late", &[("27-01-01", "28-06-30", &["d1 fr>kr del fv 5"])]),
    (
        "O",
        "onward",
        &[(
            "26-01-01",
            "28-12-31",
            &[
                "d1 jp>fr saf firv 30 >>kr;fac;f;10 >>customs:EU;rev;fv;9 >>platform;sta;i;8 >>us+customs:KR;age;r;7 \
         >>kr;fac;fi;5 >>cc+go+au;enf;f;6 >>platform:EU+us;del;v;4",
                "d1 jp>fr rev fv 30",
                "d1 jp>fr fac fi 30 watermark=yes >>kr;fac;f;10",
                "d1,9 jp>fr del fi 30 >>kr;del;f;3",
                "d1 de>us saf fi 30 @KR+EU:destination+transit",
                "d1 de>us rev fi 30 handling",
                "d1 de>us fac fi 30 @EU:first_entry handling",
                "d1 de>us age fi 30",
                "d1 de>us del fi 30 @DE:departure",
            ],
        )],
    ),
    // The later version begins first, so the first one never holds.
    (
        "B",
        "backwards",
        &[("27-01-01", "27-12-31", &["d1 it>fr saf f 30"]), ("26-06-01", "27-12-31", &["d1 it>fr saf fi 30"])],
    ),
    // What nobody understood of the first version is not in the second.
    (
        "C",
        "cleaned",
        &[
            ("26-01-01", "27-12-31", &["d1 it>jp saf f 30 watermark=yes"]),
            ("26-06-01", "27-12-31", &["d1 it>jp saf f 30"]),
        ],
    ),
];

const LAWS: &str = r#"
    forbid = [
        { id = "names", ground = "Act 1", type = "declaration", to = ["us"], groups = ["sender"] },
        { id = "revenue", ground = "Act 2", from = ["kr"], purposes = ["revenue"] },
        { id = "window", ground = "Act 3", to = ["us"], purposes = ["statistics"], groups = ["filing", "item", "mass"], since = "2026-12-01", until = "2026-12-31" },
        { id = "pair-1", ground = "Act 4", from = ["kr"], purposes = ["enforcement"], groups = ["filing"] },
        { id = "pair-2", ground = "Act 4", from = ["kr"], purposes = ["enforcement"], groups = ["item"] },
        { id = "pair-3", ground = "Act 4", from = ["kr"], purposes = ["enforcement"], groups = ["payment"] },
        { id = "logs", ground = "Act 5", type = "opening", from = ["kr"], groups = ["evidence"] },
        { id = "all-logs", ground = "Act 6", type = "opening", from = ["jp"] },
        { id = "since", ground = "Act 7", from = ["kr"], purposes = ["agency_control"], groups = ["item"], since = "2027-01-01" },
        { id = "until", ground = "Act 7", from = ["kr"], purposes = ["agency_control"], groups = ["filing"], until = "2026-12-31" },
    ]
"#;

/// What is given, by [`super::super::Policy::decide`].
const DECIDED: &str = "
    d1 de>kr saf 26-01-01 : firms P1.1
    d1 de>kr saf 26-11-23 : firms P1.1
    d1 de>kr saf 26-11-30 : firms P1.1
    d1 de>kr saf 25-12-31 : ! not-yet 27-03-01
    d1 de>kr saf 26-12-01 : firp P2.1
    d1 de>kr saf 27-02-28 : firp P2.1
    d1 de>kr saf 27-03-01 : f P3.1
    d1 de>kr saf 27-03-31 : f P3.1
    d1 de>kr saf 27-04-01 : ! ended 27-03-31
    d1 de>kr saf 30-01-01 : ! ended 27-03-31
    d1 de>kr rev 26-01-01 : fv P1.2
    d1 de>kr rev 26-11-30 : fv P1.2
    d1 de>kr rev 26-12-01 : ! superseded 26-12-01
    d1 de>kr rev 27-12-31 : ! superseded 26-12-01
    d1 de>kr rev 28-01-01 : ! superseded 26-12-01
    d1 de>kr rev 25-12-31 : ! not-yet 26-01-01
    d1 kr>de fac 26-11-23 : f P1.3
    d1 kr>de fac 26-12-01 : fi P2.2
    d1 kr>de fac 27-02-28 : fi P2.2
    d1 kr>de fac 27-03-01 : ! superseded 27-03-01
    d1 kr>de fac 25-12-31 : ! not-yet 26-12-01
    d1 de>kr age 26-11-30 : ! not-yet 26-12-01
    d1 de>kr age 26-12-01 : f P2.3
    d1 de>kr age 27-03-01 : ! superseded 27-03-01
    d1 de>kr del 26-11-23 : fi P1.4
    d9 de>kr del 26-11-23 : ! type declaration 9
    d9 de>kr del 25-01-01 : ! type declaration 9
    d9 de>kr del 27-01-01 : ! type declaration 9
    d3 de>kr del 26-11-23 : ! no-version 3
    d3 de>kr saf 26-11-23 : ! no-version 3
    d9 de>kr saf 26-11-23 : ! no-purpose saf
    d0 de>kr saf 26-11-23 : ! no-version 0
    o1 de>kr aud 26-11-23 : ! no-type opening
    o1 de>kr saf 26-11-23 : ! no-type opening
    p1 de>kr saf 26-11-23 : ! no-type parcel
    d1 de>kr enf 26-11-23 : ! no-purpose enf
    d1 de>kr pca 26-11-23 : ! no-purpose pca
    d1 de>kr aud 26-11-23 : ! no-purpose aud
    d1 de>kr fac 26-11-23 : ! no-purpose fac
    d1 kr>de saf 26-11-23 : ! no-purpose saf
    d1 kr>de rev 26-11-23 : ! no-purpose rev
    d9 kr>de fac 26-11-23 : ! no-version 9
    d1 de>de saf 26-11-23 : ! no-agreement
    d1 de>pl saf 26-11-23 : ! no-agreement
    d1 pl>de saf 26-11-23 : ! no-agreement
    d1 kr>it saf 26-11-23 : ! no-agreement
    d1 it>de saf 26-11-23 : ! no-agreement
    d1 de>kr sta 26-11-22 : fi E1.1
    d1 de>kr sta 25-01-01 : fi E1.1
    d1 de>kr sta 24-12-31 : ! not-yet 25-01-01
    d1 de>kr sta 26-11-23 : ! ended 26-11-22
    d1 kr>jp saf 26-11-23 : ! ended 26-11-22
    d1 kr>jp saf 26-11-22 : f E1.2
    d1 de>kr ser 26-12-31 : ! not-yet 27-01-01
    d1 de>kr ser 27-01-01 : f F1.1
    d1 de>kr ser 27-12-31 : f F1.1
    d1 de>kr ser 28-01-01 : ! ended 27-12-31
    d1 de>jp saf 26-11-23 : ! suspended jp
    d1 fr>jp saf 26-11-23 : ! suspended jp
    d1 jp>de saf 26-11-23 : ! suspended jp
    d1 de>jp saf 25-11-23 : ! not-yet 26-01-01
    d1 de>jp saf 29-01-01 : ! ended 28-12-31
    d1 de>us saf 26-11-23 : fi M1.1
    d1 fr>us saf 26-11-23 : fi M1.1
    d1 fr>us rev 26-11-23 : v M1.2
    d1 fr>kr saf 26-11-23 : fi R1.1
    d1 us>kr saf 26-11-23 : fi T1.1
    d1 us>kr rev 26-11-23 : ! term unlinkable = no
    d1 us>kr fac 26-11-23 : ! term watermark = yes
    d1 us>kr fac 25-11-23 : ! term watermark = yes
    d1 us>kr fac 29-11-23 : ! term watermark = yes
    d1 us>kr del 26-11-23 : fi T1.4
    d1 us>kr del 27-06-30 : fi T1.4
    d1 us>kr del 27-07-01 : ! stale 27-06-30
    d1 us>kr del 28-12-31 : ! stale 27-06-30
    d1 us>kr del 29-01-01 : ! ended 28-12-31
    d1 us>kr del 25-12-31 : ! not-yet 26-01-01
    d1 us>kr age 26-11-23 : fi T1.5
    d1 us>kr age 27-07-01 : fi T1.5
    d9 us>kr enf 26-11-23 : ! term watermark = yes
    d1 us>kr enf 26-11-23 : ! no-purpose enf
    d1 us>kr sta 26-11-23 : ! term when_stale = later
    d1 us>kr sta 27-07-01 : ! term when_stale = later
    d1 us>jp saf 26-11-23 : ! group declaration 1
    d1 us>jp saf 25-11-23 : ! group declaration 1
    d9 us>jp rev 26-11-23 : ! type declaration 9
    p1 us>jp fac 26-11-23 : ! type parcel 1
    p2 us>jp fac 26-11-23 : ! no-version 2
    d1 us>jp del 26-11-23 : fi U1.4
    d9 us>jp del 26-11-23 : ! type declaration 9
    d1 us>jp rev 26-11-23 : ! no-purpose rev
    d1 kr>us saf 26-11-23 : fir L1.1
    d1 kr>us rev 26-11-23 : ! law revenue
    d1 kr>us rev 25-11-23 : ! not-yet 26-01-01
    d1 kr>us rev 29-01-01 : ! ended 28-12-31
    d1 kr>us sta 26-11-30 : fim L1.3
    d1 kr>us sta 26-12-01 : ! law window
    d1 kr>us sta 26-12-31 : ! law window
    d1 kr>us sta 27-01-01 : fim L1.3
    d1 kr>us enf 26-11-23 : ! law pair-2
    d1 kr>jp rev 26-11-23 : ! law revenue
    d1 kr>us fac 26-11-23 : ! law names
    d1 us>fr rev 26-11-23 : v L1.7
    d9 kr>us ser 26-11-23 : ! type declaration 9
    d1 kr>us ser 26-11-23 : f L1.8
    d1 jp>us del 26-11-23 : f L1.9
    d1 kr>us age 26-12-31 : i L1.10
    d1 kr>us age 27-01-01 : f L1.10
    d1 de>cc saf 26-11-23 : ! suspended-member cc
    d1 cc>de saf 26-11-23 : ! suspended-member cc
    d1 de>go saf 26-11-23 : ! no-member go
    d1 go>de saf 26-11-23 : ! no-member go
    d1 cc>go saf 26-11-23 : ! suspended-member cc
    d1 go>cc saf 26-11-23 : ! no-member go
    d1 xx>de saf 26-11-23 : ! no-member xx
    d1 de>xx saf 26-11-23 : ! no-member xx
    d1 xx>yy saf 26-11-23 : ! no-member xx
    d1 cc>xx saf 26-11-23 : ! suspended-member cc
    d1 cc>kr enf 26-11-23 : ! suspended-member cc
    p9 de>cc saf 26-11-23 : ! suspended-member cc
    d1 de>it saf 26-11-23 : f S1.5
    d1 de>it saf 27-07-01 : f S1.5
    d1 fr>kr del 26-11-23 : fi K1.1
    d1 fr>kr del 27-01-01 : fv A1.1
    d1 fr>kr del 28-06-30 : fv A1.1
    d1 fr>kr del 28-07-01 : fi K1.1
    d1 fr>kr del 29-01-01 : ! ended 28-12-31
    d1 fr>kr rev 26-11-23 : fv K1.4
    d1 fr>kr rev 29-01-01 : ! ended 28-12-31
    d1 fr>kr sta 26-11-23 : f K1.5
    d1 fr>kr sta 29-01-01 : ! term watermark = yes
    o1 de>au aud 26-11-23 : be H1.1
    o1 kr>au aud 26-11-23 : b H1.1
    o1 jp>au aud 26-11-23 : ! law all-logs
    o1 us>au aud 27-06-30 : kb H1.5
    o1 us>au aud 27-07-01 : ! stale 27-06-30
    o1 fr>au aud 26-11-23 : ! term watermark = yes
    o1 cc>au aud 26-11-23 : ! suspended-member cc
    o1 de>au saf 26-11-23 : ! no-purpose saf
    o2 de>au aud 26-11-23 : ! no-version 2
    d1 de>au aud 26-11-23 : ! no-type declaration
    d1 jp>fr saf 26-11-23 : firv O1.1
    d1 jp>fr fac 26-11-23 : ! term watermark = yes
    o1 de>cc aud 26-11-23 : ! suspended-member cc
    d1 it>fr saf 26-11-23 : fi B2.1
    d1 it>fr saf 26-05-31 : ! not-yet 26-06-01
    d1 it>jp saf 26-11-23 : f C2.1
    d1 it>jp saf 26-05-31 : ! not-yet 26-06-01
";

/// What a dispatch may carry, by [`super::super::Policy::permits`]: the version it names, its groups, its retention.
const PERMITTED: &str = "
    d1 de>kr saf 26-11-23 P1 firms 30 : P1.1
    d1 de>kr saf 26-11-23 P1 firms 0 : P1.1
    d1 de>kr saf 26-11-23 P1 f 30 : P1.1
    d1 de>kr saf 26-11-23 P1 - 30 : P1.1
    d1 de>kr saf 26-11-23 P1 firms 31 : ! too-long 30
    d1 de>kr saf 26-11-23 P1 firmsp 30 : ! too-much p
    d1 de>kr saf 26-11-23 P1 firmspv 31 : ! too-much pv
    d1 de>kr saf 26-11-23 P1 a 1 : ! too-much a
    d1 de>kr saf 26-01-01 P1 firms 30 : P1.1
    d1 de>kr saf 25-12-31 P1 firms 30 : ! not-yet 26-01-01
    d1 de>kr saf 26-11-30 P1 firms 30 : P1.1
    d1 de>kr saf 26-11-23 P2 firp 60 : ! not-yet 26-12-01
    d1 de>kr saf 26-11-23 P3 f 60 : ! not-yet 27-03-01
    d1 de>kr saf 26-11-23 E1 firms 30 : ! other
    d1 de>kr saf 26-11-23 F1 firms 30 : ! other
    d1 de>kr saf 26-11-23 H1 firms 30 : ! other
    d1 de>kr saf 26-11-23 X1 firms 30 : ! other
    d1 de>kr saf 26-12-01 P2 firp 60 : P2.1
    d1 de>kr saf 26-12-01 P2 firp 61 : ! too-long 60
    d1 de>kr saf 26-12-01 P2 firm 60 : ! too-much m
    d1 de>kr saf 26-12-01 P1 fir 30 : P2.1
    d1 de>kr saf 26-12-01 P1 fir 31 : ! superseded 26-12-01
    d1 de>kr saf 26-12-01 P1 firms 30 : ! too-much ms
    d1 de>kr saf 26-12-01 P1 firp 30 : ! superseded 26-12-01
    d1 de>kr saf 27-02-28 P1 f 30 : P2.1
    d1 de>kr saf 27-02-28 P3 f 30 : ! not-yet 27-03-01
    d1 de>kr saf 27-03-01 P1 f 30 : P3.1
    d1 de>kr saf 27-03-01 P1 fi 30 : ! too-much i
    d1 de>kr saf 27-03-01 P2 f 60 : P3.1
    d1 de>kr saf 27-03-01 P2 fp 60 : ! too-much p
    d1 de>kr saf 27-03-01 P3 f 60 : P3.1
    d1 de>kr saf 27-03-01 P3 fi 60 : ! too-much i
    d1 de>kr saf 27-04-01 P1 f 30 : ! ended 27-03-31
    d1 de>kr saf 27-04-01 P3 f 30 : ! ended 27-03-31
    d1 de>kr rev 26-11-23 P1 fv 365 : P1.2
    d1 de>kr rev 26-11-23 P1 fv 366 : ! too-long 365
    d1 de>kr rev 26-11-23 P1 fi 30 : ! too-much i
    d1 de>kr rev 26-12-01 P1 fv 30 : ! superseded 26-12-01
    d1 de>kr rev 26-12-01 P2 fv 30 : ! other
    d1 kr>de fac 26-12-01 P1 f 5 : P2.2
    d1 kr>de fac 26-12-01 P1 f 6 : ! too-long 5
    d1 kr>de fac 26-12-01 P1 fi 5 : ! superseded 26-12-01
    d1 kr>de fac 26-12-01 P2 fi 5 : P2.2
    d1 kr>de fac 27-03-01 P2 fi 5 : ! superseded 27-03-01
    d1 kr>de fac 27-03-01 P1 f 5 : ! superseded 27-03-01
    d1 de>kr age 26-12-01 P1 f 5 : ! other
    d1 de>kr age 26-12-01 P2 f 7 : P2.3
    d1 de>kr del 26-11-23 P1 fi 20 : P1.4
    d9 de>kr del 26-11-23 P1 fi 20 : ! type declaration 9
    d3 de>kr del 26-11-23 P1 fi 20 : ! no-version 3
    d1 de>kr enf 26-11-23 P1 fi 20 : ! no-purpose enf
    d1 kr>de saf 26-11-23 P1 f 10 : ! no-purpose saf
    d1 de>kr sta 26-11-22 E1 fi 30 : E1.1
    d1 de>kr sta 26-11-23 E1 fi 30 : ! ended 26-11-22
    d1 de>kr sta 26-11-22 P1 fi 30 : ! other
    d1 de>jp saf 26-11-23 M1 fi 30 : ! suspended jp
    d1 de>us saf 26-11-23 M1 fi 30 : M1.1
    d1 de>us saf 26-11-23 O1 fi 30 : O1.5
    d1 fr>us saf 26-11-23 O1 fi 30 : ! other
    d1 fr>kr saf 26-11-23 R1 fi 30 : R1.1
    d1 us>kr del 27-06-30 T1 fi 30 : T1.4
    d1 us>kr del 27-07-01 T1 fi 30 : ! stale 27-06-30
    d1 us>kr fac 26-11-23 T1 fi 30 : ! term watermark = yes
    d1 us>jp saf 26-11-23 U1 f 30 : ! group declaration 1
    d1 kr>us saf 26-11-23 L1 fir 30 : L1.1
    d1 kr>us saf 26-11-23 L1 firs 30 : ! too-much s
    d1 kr>us rev 26-11-23 L1 v 30 : ! law revenue
    d1 kr>us rev 26-11-23 L1 - 30 : ! law revenue
    d1 kr>us sta 26-12-15 L1 f 30 : ! law window
    d1 kr>us sta 27-01-01 L1 f 30 : L1.3
    d1 de>cc saf 26-11-23 S1 f 30 : ! suspended-member cc
    d1 go>de saf 26-11-23 S1 f 30 : ! no-member go
    d1 fr>kr del 26-11-23 K1 fi 10 : K1.1
    d1 fr>kr del 26-11-23 K1 fi 20 : K1.2
    d1 fr>kr del 26-11-23 K1 firm 20 : K1.2
    d1 fr>kr del 26-11-23 K1 firm 10 : K1.2
    d1 fr>kr del 26-11-23 K1 firm 21 : ! too-long 20
    d1 fr>kr del 26-11-23 K1 firmv 5 : ! too-much v
    d1 fr>kr del 26-11-23 A1 fv 5 : ! not-yet 27-01-01
    d1 fr>kr del 27-01-01 A1 fv 5 : A1.1
    d1 fr>kr del 27-01-01 A1 fi 5 : ! too-much i
    d1 fr>kr del 27-01-01 K1 fv 5 : ! too-much v
    d1 fr>kr rev 26-11-23 K1 fv 9 : K1.4
    d1 fr>kr rev 26-11-23 K1 f 90 : ! too-long 9
    d1 fr>kr sta 26-11-23 K1 f 10 : ! term watermark = yes
    d1 fr>kr sta 26-11-23 K1 f 9 : K1.5
    d1 it>fr saf 26-11-23 B1 f 30 : ! not-yet 27-01-01
    d1 it>fr saf 26-11-23 B2 fi 30 : B2.1
    d1 it>fr saf 27-01-01 B1 f 30 : B2.1
    d1 it>fr saf 27-01-01 B1 fi 30 : ! superseded 26-06-01
    d1 it>jp saf 26-11-23 C1 f 30 : ! term watermark = yes
    d1 it>jp saf 26-11-23 C1 - 1 : ! term watermark = yes
    d1 it>jp saf 26-11-23 C2 f 30 : C2.1
";

/// Mandates: `audited>auditor day : groups or none`. All rows of an auditor add up.
const MANDATES: &str = "
    de>au 26-11-23 : kbe
    kr>au 26-11-23 : b
    cc>au 26-11-23 : kb
    go>au 26-11-23 : k
    us>au 26-11-23 : kb
    us>au 27-07-01 : kb
    fr>au 26-11-23 : none
    jp>au 26-11-23 : none
    it>au 26-11-23 : none
    de>kr 26-11-23 : none
    au>de 26-11-23 : none
    de>au 25-12-31 : none
    de>au 28-12-31 : kbe
    de>au 29-01-01 : none
    de>xx 26-11-23 : none
    de>go 26-11-23 : none
    de>cc 26-11-23 : none
";

/// Whether a row of `onward` is about a record with these places, handled by these members.
const COVERED: &str = "
    5 destination=KR by - : yes
    5 destination=FR by - : yes
    5 destination=EL by - : yes
    5 destination=EU by - : yes
    5 destination=JP by - : no
    5 destination=GB by us : no
    5 destination=JP,transit=KR by - : yes
    5 destination=JP,transit=IT by - : yes
    5 destination=JP,transit=US by - : no
    5 destination=JP,first_entry=KR by - : no
    5 destination=JP,departure=DE by - : no
    5 transit=KR by - : yes
    5 - by us : no
    6 destination=KR by us : yes
    6 destination=KR by jp,us : yes
    6 destination=KR by - : no
    6 destination=KR by de : no
    6 - by us : yes
    7 first_entry=FR by us : yes
    7 first_entry=FR by - : no
    7 first_entry=XI by us : no
    7 destination=FR by us : no
    8 - by - : yes
    8 destination=JP by - : yes
    9 departure=DE by - : yes
    9 departure=EU by - : no
    9 destination=DE by - : no
";

/// Onward permissions of rows of `onward`, for a version of the type, of what came with all groups of the row: each gives its
/// groups for its days.
const ONWARD: &str = "
    1 1 kr fac : f 10, fi 5
    1 1 kr rev : none
    1 1 kr saf : none
    1 1 it rev : fv 9
    1 1 fr rev : none
    1 1 us rev : none
    1 1 de rev : none
    1 1 it fac : none
    1 1 pl sta : i 8
    1 1 pf sta : i 8
    1 1 us sta : none
    1 1 us age : r 7
    1 1 kr age : r 7
    1 1 it age : none
    1 1 jp age : none
    1 1 pf del : v 4
    1 1 us del : v 4
    1 1 pl del : none
    1 1 au enf : f 6
    1 1 cc enf : none
    1 1 go enf : none
    1 1 xx enf : none
    2 1 kr fac : none
    3 1 kr fac : none
    4 1 kr del : f 3
    4 9 kr del : none
";

struct World {
    directory: Directory,
    /// Digests by letter and version, and the other way round.
    digests: BTreeMap<String, Digest>,
    names: BTreeMap<Digest, String>,
}

static WORLD: LazyLock<World> = LazyLock::new(World::new);

impl World {
    fn new() -> Self {
        let mut documents = Documents::found(&MEMBERS.map(str::to_owned));
        documents.next_charter(|charter| {
            charter.members.retain(|member| member.id.as_str() != "go");
            let suspended = charter.members.iter_mut().find(|member| member.id.as_str() == "cc").unwrap();
            suspended.status = MemberStatus::Suspended;
            charter.valid_until = Some(day("27-06-30"));
        });
        let mut digests = BTreeMap::new();
        for (letter, id, versions) in AGREEMENTS {
            let body = |(from, to, rows): &(&str, &str, &[&str])| {
                agreement(id, (day(from), day(to)), rows.iter().map(|text| row(text)).collect())
            };
            let versions: Vec<_> = versions.iter().map(body).collect();
            for (at, digest) in documents.agree(&versions).into_iter().enumerate() {
                digests.insert(format!("{letter}{}", at + 1), digest);
            }
        }
        let [many, resumed, other] = ["many", "resumed", "other"].map(slug);
        documents.suspend("jp", &[&[many.clone(), other.clone()]]);
        documents.suspend("fr", &[&[resumed], &[]]);
        // No word on rows of others: us is party to `many`, and so is nobody to `other`.
        documents.suspend("us", &[&[other]]);
        let names = digests.iter().map(|(name, digest)| (*digest, name.clone())).collect();
        digests.insert("X1".into(), Digest([7; 32]));
        Self { directory: documents.directory(LAWS), digests, names }
    }

    fn name(&self, rule: &Rule) -> String {
        format!("{}.{}", self.names[&rule.digest], rule.row)
    }
}

/// `not-yet 27-01-01`, `too-much ms`, `law names`, …
fn denial(text: &str) -> Denial {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let typed = || {
        let (name, version) = rest.split_once(' ').unwrap();
        (name.to_owned(), version.parse().unwrap())
    };
    match word {
        "no-member" => Denial::NoMember(slug(rest)),
        "suspended-member" => Denial::MemberSuspended(slug(rest)),
        "no-agreement" => Denial::NoAgreement,
        "no-type" => Denial::NoType(rest.into()),
        "no-version" => Denial::NoVersion(rest.parse().unwrap()),
        "no-purpose" => Denial::NoPurpose(purpose(rest)),
        "term" => Denial::UnknownTerm(rest.into()),
        "type" => Denial::UnknownType(typed().0, typed().1),
        "group" => Denial::UnknownGroup(typed().0, typed().1),
        "not-yet" => Denial::NotYet(day(rest)),
        "ended" => Denial::Ended(day(rest)),
        "superseded" => Denial::Superseded(day(rest)),
        "suspended" => Denial::Suspended(slug(rest)),
        "stale" => Denial::Stale(day(rest)),
        "law" => Denial::Prohibited(slug(rest)),
        "other" => Denial::OtherAgreement,
        "too-much" => Denial::TooMuch(set(&DECLARATION, rest)),
        "too-long" => Denial::TooLong(rest.parse().unwrap()),
        _ => panic!("{text}"),
    }
}

/// Cases as (whole line, words of the question, answer).
fn cases(table: &'static str) -> impl Iterator<Item = (&'static str, Vec<&'static str>, &'static str)> {
    table.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| {
        let (question, answer) = line.split_once(" : ").unwrap();
        (line, question.split(' ').collect(), answer)
    })
}

/// Asks what the first four words say.
fn asked<T>(words: &[&str], answer: impl FnOnce(&Ask<'_>) -> T) -> T {
    let ((type_name, versions), (from, to)) = (types(words[0]), words[1].split_once('>').unwrap());
    let (from, to) = (slug(from), slug(to));
    let (purpose, day) = (purpose(words[2]), day(words[3]));
    answer(&Ask { type_name, version: versions[0], from: &from, to: &to, purpose, day })
}

/// The groups of these letters in the type that a question is about.
fn of_type(question: &str, letters: &str) -> GroupSet {
    set(if question.starts_with('o') { &OPENING } else { &DECLARATION }, letters)
}

#[test]
fn what_is_given_and_why_not() {
    let (world, policy) = (&*WORLD, WORLD.directory.policy());
    for (line, words, answer) in cases(DECIDED) {
        let expected = match answer.strip_prefix("! ") {
            Some(reason) => Err(denial(reason)),
            None => {
                let (letters, row) = answer.split_once(' ').unwrap();
                Ok((of_type(words[0], letters), row.to_owned()))
            }
        };
        asked(&words, |ask| {
            let found = policy.decide(&world.directory, ask);
            let found = found.map(|grant| (grant.groups, world.name(grant.rule)));
            assert_eq!(found, expected, "{line}");
            // For people it is the same, with every row that was looked at.
            let verdict = policy.explain(&world.directory, ask);
            let first = verdict.grants.first().map(|grant| (grant.groups, world.name(grant.rule)));
            assert_eq!(first.ok_or_else(|| verdict.denial.clone().unwrap()), expected, "{line}");
            assert_eq!(verdict.denial.is_some(), verdict.grants.is_empty(), "{line}");
        });
    }
}

#[test]
fn what_a_dispatch_may_carry_and_why_not() {
    let (world, policy) = (&*WORLD, WORLD.directory.policy());
    for (line, words, answer) in cases(PERMITTED) {
        let expected = answer.strip_prefix("! ").map_or(Ok(answer.to_owned()), |reason| Err(denial(reason)));
        let (digest, view, days) = (&world.digests[words[4]], of_type(words[0], words[5]), words[6].parse().unwrap());
        let found =
            asked(&words, |ask| policy.permits(&world.directory, ask, digest, view, days).map(|rule| world.name(rule)));
        assert_eq!(found, expected, "{line}");
    }
}

#[test]
fn what_a_mandate_opens() {
    for (line, words, answer) in cases(MANDATES) {
        let (audited, auditor) = words[0].split_once('>').unwrap();
        let found = WORLD.directory.mandate(&slug(audited), &slug(auditor), day(words[1]));
        assert_eq!(found, (answer != "none").then(|| set(&OPENING, answer)), "{line}");
    }
}

fn rule_of(row: &str, version: &str) -> &'static Rule {
    let (row, version): (usize, u64) = (row.parse().unwrap(), version.parse().unwrap());
    let mut rules = WORLD.directory.policy().rules_of(&WORLD.digests["O1"]);
    rules.find(|rule| rule.row == row && rule.type_version == version).unwrap()
}

#[test]
fn which_records_a_row_is_about() {
    for (line, words, answer) in cases(COVERED) {
        let places: Vec<(Role, Territory)> = words[1]
            .split(',')
            .filter_map(|text| text.split_once('='))
            .map(|(role, code)| (role.parse().unwrap(), code.parse().unwrap()))
            .collect();
        let place = |role| places.iter().find(|(of, _)| *of == role).map(|(_, place)| *place);
        let handled = |member: &MemberId| words[3].split(',').any(|id| id == member.as_str());
        assert_eq!(rule_of(words[0], "1").covers(place, handled), answer == "yes", "{line}");
    }
}

#[test]
fn to_whom_records_may_be_passed_on() {
    for (line, words, answer) in cases(ONWARD) {
        let (source, via, to) = (slug("jp"), slug("fr"), slug(words[2]));
        let digest = &WORLD.digests["O1"];
        let agreement = WORLD.directory.agreement(digest).unwrap();
        let flow = &agreement.flows[words[0].parse::<usize>().unwrap() - 1];
        // Of a version that nobody knows nothing is asked.
        let found = table(&flow.type_name, words[1].parse().unwrap()).and_then(|table| {
            let ask = OnwardAsk {
                table,
                source: &source,
                via: &via,
                received_for: flow.purpose,
                received_view: flow.view(table.version)?.1?,
                received_days: flow.retention_days,
                to: &to,
                purpose: purpose(words[3]),
                day: day("26-11-23"),
                before: false,
            };
            WORLD.directory.onward((digest, agreement), &ask, |_| true).ok()
        });
        let found = found.map(|given| given.iter().map(|grant| (grant.groups, grant.onward.retention_days)).collect());
        let expected = (answer != "none").then(|| {
            let one = |one: &str| {
                let (letters, days) = one.split_once(' ').unwrap();
                (set(&DECLARATION, letters), days.parse().unwrap())
            };
            answer.split(", ").map(one).collect::<Vec<(GroupSet, u64)>>()
        });
        assert_eq!(found, expected, "{line}");
    }
}

/// What is sent to everybody, in the order of agreements and rows.
#[test]
fn what_goes_out_is_what_is_given_to_members_that_take_part() {
    let out = |from: &str, on: &str| -> Vec<String> {
        let from = slug(from);
        let grants = WORLD.directory.policy().outgoing(&WORLD.directory, &from, "declaration", day(on));
        grants.map(|grant| format!("{}>{}", WORLD.name(grant.rule), grant.rule.to)).collect()
    };
    let here =
        ["M1.1>us", "O1.5>us", "O1.6>us", "O1.7>us", "O1.8>us", "O1.9>us", "P1.1>kr", "P1.2>kr", "P1.4>kr", "S1.5>it"];
    assert_eq!(out("de", "26-11-23"), here);
    assert_eq!(out("us", "26-11-23"), ["L1.7>fr", "T1.1>kr", "T1.4>kr", "T1.5>kr", "U1.4>jp"]);
    assert_eq!(out("us", "27-07-01"), ["L1.7>fr", "T1.1>kr", "T1.5>kr", "U1.4>jp"]);
    assert!(out("cc", "26-11-23").is_empty() && out("go", "26-11-23").is_empty() && out("xx", "26-11-23").is_empty());
}

#[test]
fn the_table_is_long_and_says_nothing_twice() {
    let mut all: Vec<_> = [DECIDED, PERMITTED, MANDATES, COVERED, ONWARD].into_iter().flat_map(cases).collect();
    let count = all.len();
    all.sort();
    all.dedup_by_key(|(line, _, _)| *line);
    assert!(count == all.len() && count >= 240, "{count} cases, {} different", all.len());
    // Every reason occurs.
    for reason in [
        "no-member",
        "suspended-member",
        "no-agreement",
        "no-type",
        "no-version",
        "no-purpose",
        "term",
        "type",
        "group",
        "not-yet",
        "ended",
        "superseded",
        "suspended",
        "stale",
        "law",
        "other",
        "too-much",
        "too-long",
    ] {
        let says = |answer: &str| answer.strip_prefix("! ").is_some_and(|text| text.split(' ').next() == Some(reason));
        assert!(all.iter().any(|(_, _, answer)| says(answer)), "{reason}");
    }
}
