//! `luxor sandbox`: an integrator's script lives every reaction of a practice customs to its end, and the report says exactly what was
//! right and wrong.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use luxor_tests::{luxor_json, program, put, try_luxor, until};
use serde_json::{Value as Json, json};

/// A practice network in a folder that goes, and a rehearsal in it.
struct Practice {
    root: tempfile::TempDir,
    me: &'static str,
}

/// A rehearsal under way; it ends by itself.
struct Rehearsal {
    child: Child,
}

impl Practice {
    fn found(me: &'static str, partners: &[&str]) -> Self {
        Self::found_with(me, partners, &[])
    }

    fn found_with(me: &'static str, partners: &[&str], more: &[&str]) -> Self {
        let practice = Self { root: tempfile::tempdir().unwrap(), me: me.split(':').next().unwrap() };
        let dir = practice.dir().to_str().unwrap().to_owned();
        let mut arguments = vec!["sandbox", "new", &dir, "--me", me];
        partners.iter().for_each(|partner| arguments.extend(["--partner", partner]));
        arguments.extend(more);
        let founded = luxor_json(&arguments);
        assert_eq!(founded["partners"].as_array().unwrap().len(), partners.len());
        practice
    }

    fn dir(&self) -> PathBuf {
        self.root.path().join("practice")
    }

    /// The own node's folder.
    fn own(&self) -> PathBuf {
        self.dir().join(self.me)
    }

    /// Starts a rehearsal by these rules and waits until the own node answers.
    fn rehearse(&self, rules: &str) -> Rehearsal {
        self.rehearse_for(rules, &["--until-idle", "--for", "50"])
    }

    /// The same until something else.
    fn rehearse_for(&self, rules: &str, until_when: &[&str]) -> Rehearsal {
        let file = self.root.path().join("rules.toml");
        std::fs::write(&file, rules).unwrap();
        let _ = std::fs::remove_file(self.own().join("run/ready.json"));
        let child = Command::new(program("luxor"))
            .args(["sandbox", "run", self.dir().to_str().unwrap(), "--json"])
            .args(until_when)
            .args(["--rules", file.to_str().unwrap()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(self.root.path().join("messages")).unwrap())
            .spawn()
            .unwrap();
        until("the own node", || self.own().join("run/ready.json").is_file().then_some(()));
        Rehearsal { child }
    }

    fn messages(&self) -> String {
        std::fs::read_to_string(self.root.path().join("messages")).unwrap()
    }

    fn send(&self, record: Json) {
        let reference = record["filing"]["own_reference"].as_str().or(record["reference"]["own_reference"].as_str());
        let revision = record["filing"]["revision"].as_u64().unwrap_or(0);
        let name = format!("s-{}-{revision}", reference.unwrap().to_lowercase());
        let answer = until("an answer", || put(&self.own(), &name, 0, std::slice::from_ref(&record)).ok());
        assert!(answer["records"][0]["accepted"]["recipients"].as_u64() > Some(0), "{answer}");
    }

    /// Waits until the own node holds a record of this type about a reference, in this state.
    fn got(&self, type_name: &str, group: &str, is: &[(&str, &str)]) -> Json {
        until(&format!("{type_name} {is:?}"), || {
            self.inbox().into_iter().find(|record| {
                record["type"] == type_name && is.iter().all(|(field, value)| record[group][*field] == *value)
            })
        })
    }

    fn inbox(&self) -> Vec<Json> {
        let (code, text, _) =
            try_luxor(&["inbox", "--node", self.own().to_str().unwrap(), "--limit", "500", "--records", "--json"]);
        if code != 0 {
            return Vec::new();
        }
        let all: Json = serde_json::from_str(&text).unwrap();
        let dispatches = all["dispatches"].as_array().unwrap();
        dispatches
            .iter()
            .flat_map(|d| d["records"].as_array().unwrap())
            .map(|viewed| viewed["record"].clone())
            .collect()
    }
}

impl Rehearsal {
    /// Waits for its end; gives its exit code and report.
    fn ended(self, practice: &Practice) -> (i32, Json) {
        let output = self.child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let report = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text} {}", practice.messages()));
        (output.status.code().unwrap(), report)
    }
}

fn declaration(reference: &str, item: &str) -> Json {
    json!({"type": "declaration", "version": 3,
           "filing": {"own_reference": reference, "kind": "ens_preloading", "transaction_type": "b2c"},
           "item": {"scheme": "carrier", "issuer": "flyer", "id": item},
           "route": {"destination": "KR", "departure": "GB", "mode": "4"},
           "handling": {"carrier": "flyer", "filer": "flyer"},
           "mass": {"gross_kg": "0.5", "packages": 1},
           "goods": [{"content": {"description": "toy robot of plastic"}, "classification": {"hs": "950300"},
                      "value": {"amount": "24.90", "currency": "GBP"}, "origin": {"country": "GB", "net_kg": "0.4"}}]})
}

fn answer(to: &Json, outcome: &str) -> Json {
    let (reference, kind) = (&to["referral"]["reference"], &to["referral"]["kind"]);
    json!({"type": "referral_answer", "version": 1,
           "reference": {"own_reference": format!("A-{}-{outcome}", reference.as_str().unwrap())},
           "item": to["item"], "route": to["route"], "handling": to["handling"],
           "answer": {"kind": kind, "reference": reference, "outcome": outcome}})
}

/// Every requirement but quality and notes, as `requirement verdict record`.
fn told(report: &Json) -> Vec<String> {
    let word = |check: &Json, name: &str| check[name].as_str().unwrap_or("-").to_owned();
    let checks = report["checks"].as_array().unwrap().iter();
    let required = checks.filter(|check| check["requirement"] != "quality" && check["verdict"] != "note");
    let mut lines: Vec<String> = required
        .map(|check| format!("{} {} {}", word(check, "requirement"), word(check, "verdict"), word(check, "record")))
        .collect();
    lines.sort();
    lines
}

fn built_in() -> String {
    let (code, text, errors) = try_luxor(&["sandbox", "rules"]);
    assert_eq!(code, 0, "{errors}");
    text
}

#[test]
fn every_reaction_is_lived_to_its_end_and_the_report_is_exact() {
    let practice = Practice::found("flyer:carrier:GB", &["customs:KR"]);
    let rehearsal = practice.rehearse(&built_in());

    // Asked, answered, called insufficient, answered again, closed, released.
    practice.send(declaration("T-RFI-AGAIN-1", "PARCEL-1"));
    let asked = practice.got("referral", "referral", &[("kind", "rfi"), ("state", "open")]);
    practice.send(answer(&asked, "no_information"));
    practice.got("referral", "referral", &[("kind", "rfi"), ("state", "insufficient")]);
    practice.send(answer(&asked, "information_given"));
    practice.got("referral", "referral", &[("kind", "rfi"), ("state", "closed")]);
    practice.got("customs_response", "response", &[("about", "T-RFI-AGAIN-1"), ("status", "released")]);

    // Forbidden to load, and gone already: acknowledged, and an alarm.
    practice.send(declaration("T-DNL-1", "PARCEL-2"));
    let forbidden = practice.got("referral", "referral", &[("kind", "dnl"), ("state", "open")]);
    practice.send(answer(&forbidden, "already_departed"));
    practice.got("referral", "referral", &[("kind", "dnl"), ("state", "closed")]);

    // Rejected, corrected.
    practice.send(declaration("T-REJECT-1", "PARCEL-3"));
    practice.got("customs_response", "response", &[("about", "T-REJECT-1"), ("status", "rejected")]);
    let mut corrected = declaration("T-REJECT-1", "PARCEL-3");
    corrected["filing"]["revision"] = 1.into();
    corrected["filing"]["action"] = "correction".into();
    corrected["goods"][0]["content"]["description"] = "wind-up toy robot, 12 cm".into();
    practice.send(corrected);
    practice.got("customs_response", "response", &[("about", "T-REJECT-1"), ("status", "corrected")]);

    // Silence.
    practice.send(declaration("T-SILENT-1", "PARCEL-4"));

    let (code, report) = rehearsal.ended(&practice);
    assert_eq!((code, &report["conforms"]), (0, &json!(true)), "{report:#} {}", practice.messages());
    let dnl = forbidden["referral"]["reference"].as_str().unwrap();
    let rfi = asked["referral"]["reference"].as_str().unwrap();
    let mut expected = vec![
        format!("do_not_load met {dnl}"),
        format!("referral_answered met {rfi}"),
        format!("referral_answered met {rfi}"),
        "rejection_corrected met T-REJECT-1".to_owned(),
        "revision met T-REJECT-1".to_owned(),
    ];
    expected.sort();
    assert_eq!(told(&report), expected, "{report:#}");
    let alarms = report["alarms"].as_array().unwrap();
    assert_eq!(alarms.len(), 1, "{report:#}");
    assert_eq!((&alarms[0]["kind"], &alarms[0]["item"]), (&json!("already_departed"), &json!("PARCEL-2")));
    assert_eq!(report["received"], json!({"declaration": 5, "referral_answer": 3}));
    let played: BTreeMap<_, _> = report["rules"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, played)| played["times"] != 0)
        .map(|(name, played)| (name.as_str(), played["times"].as_u64().unwrap()))
        .collect();
    let expected =
        [("anything else", 3), ("ask twice", 1), ("corrected", 1), ("do not load", 1), ("reject", 1), ("silence", 1)];
    assert_eq!(played, BTreeMap::from(expected));
    let lines = std::fs::read_to_string(practice.dir().join("rehearsal-1.ndjson")).unwrap();
    let lines: Vec<Json> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let about = |line: &&Json| line["what"] == "sent" && line["record"]["response"]["about"] == "T-SILENT-1";
    assert_eq!((lines.len() > 15, lines.iter().filter(about).count()), (true, 0), "{lines:?}");
    for node in ["flyer", "customs-kr"] {
        luxor_tests::check(&practice.dir().join(node));
    }
}

#[test]
fn what_is_not_done_is_found_and_ends_with_one() {
    let practice = Practice::found("flyer:carrier:GB", &["customs:KR"]);
    let rules = "[[rule]]\nname = \"ask\"\ntype = \"declaration\"\nwhen = { \"filing.own_reference\" = { begins = \"ASKED\" } }\n\
                 do = [{ refer = \"rfi\", within = 2 }, { ask = \"law\", within = 2 }]\n\
                 [[rule]]\nname = \"reject\"\ntype = \"declaration\"\nwhen = { \"filing.own_reference\" = { begins = \"BAD\" } }\n\
                 do = [{ respond = \"rejected\", twice = true }]\n\
                 [[rule]]\nname = \"outage\"\ntype = \"declaration\"\nwhen = { \"filing.own_reference\" = { begins = \"DOWN\" } }\n\
                 do = [{ stop = 2 }, { respond = \"registered\", after = 1 }]\n\
                 [[rule]]\nname = \"never\"\nrequired = true\ntype = \"order\"\ndo = []\n";
    let rehearsal = practice.rehearse(rules);
    practice.send(declaration("ASKED-1", "PARCEL-1"));
    let asked = practice.got("referral", "referral", &[("kind", "rfi")]);
    let request = practice.got("data_request", "request", &[]);
    practice.send(declaration("BAD-1", "PARCEL-2"));
    practice.got("customs_response", "response", &[("about", "BAD-1")]);
    // The partner goes down; what is sent meanwhile waits for it, and its own answer is late.
    practice.send(declaration("DOWN-1", "PARCEL-3"));
    practice.got("customs_response", "response", &[("about", "DOWN-1")]);
    // Too late, and one that quotes nothing.
    std::thread::sleep(std::time::Duration::from_secs(1));
    practice.send(answer(&asked, "information_given"));
    practice.send(answer(
        &json!({"item": asked["item"], "route": asked["route"], "handling": asked["handling"],
                                 "referral": {"reference": "NOBODY-9", "kind": "rfi"}}),
        "information_given",
    ));
    let (code, report) = rehearsal.ended(&practice);
    assert_eq!((code, &report["conforms"]), (1, &json!(false)), "{report:#}");
    let rfi = asked["referral"]["reference"].as_str().unwrap();
    let request = request["request"]["reference"].as_str().unwrap();
    let mut expected = vec![
        format!("referral_answered late {rfi}"),
        format!("request_answered missing {request}"),
        "reference_quoted wrong A-NOBODY-9-information_given".to_owned(),
        "rehearsed missing -".to_owned(),
        "rejection_corrected missing BAD-1".to_owned(),
    ];
    expected.sort();
    assert_eq!(told(&report), expected, "{report:#}");
    let notes = report["notes"].to_string();
    assert!(notes.contains("was down for 2000 ms"), "{notes}");

    // The next rehearsal begins anew: what came before is not played again.
    let rehearsal = practice.rehearse("[[rule]]\nname = \"all\"\npartner = \"customs\"\ndo = []\n");
    practice.send(declaration("NEW-1", "PARCEL-9"));
    let (code, report) = rehearsal.ended(&practice);
    assert_eq!((code, &report["received"]), (0, &json!({"declaration": 1})), "{report:#} {}", practice.messages());
}

#[test]
fn a_customs_integrator_gets_declarations_and_answers() {
    let practice = Practice::found("customs-eu:customs:EU", &["platform:CN", "carrier:CN"]);
    let rehearsal = practice.rehearse(&built_in());
    let declared = practice.got("declaration", "filing", &[("kind", "import")]);
    let mut referral = json!({"type": "referral", "version": 1, "reference": {"own_reference": "C-1"},
        "item": declared["item"], "route": declared["route"], "handling": {"filer": "platform-cn", "destination_customs": "customs-eu"},
        "referral": {"kind": "rfi", "reference": "C-1", "state": "open"}});
    practice.send(referral.clone());
    practice.got("referral_answer", "answer", &[("reference", "C-1"), ("outcome", "information_given")]);
    referral["reference"] = json!({"own_reference": "C-2"});
    referral["referral"] = json!({"kind": "dnl", "reference": "C-2", "state": "open"});
    practice.send(referral);
    practice.got("referral_answer", "answer", &[("reference", "C-2"), ("outcome", "not_loaded")]);
    practice.got("consignment", "unit", &[("level", "transport")]);
    let (code, report) = rehearsal.ended(&practice);
    assert_eq!(code, 0, "{report:#} {}", practice.messages());
    assert_eq!((&report["sent"]["declaration"], &report["sent"]["order"]), (&json!(3), &json!(3)), "{report:#}");
}

#[test]
fn errors_of_quality_are_told_and_a_strict_partner_refuses_them() {
    let wrong = || {
        let mut record = declaration("T-1", "RB123456784GB");
        record["item"] = json!({"scheme": "s10", "id": "RB123456784GB"});
        record
    };
    for (more, requirement, pointer) in [(&[][..], "quality", "/item/id"), (&["--strict"][..], "verdict", "-")] {
        let practice = Practice::found_with("flyer:carrier:GB", &["customs:KR"], more);
        let rehearsal = practice.rehearse(&built_in());
        practice.send(wrong());
        let (code, report) = rehearsal.ended(&practice);
        assert_eq!(code, 1, "{report:#} {}", practice.messages());
        let failing = report["checks"].as_array().unwrap().iter().filter(|check| check["verdict"] == "wrong");
        let failing: Vec<_> =
            failing.map(|c| (c["requirement"].as_str(), c["pointer"].as_str().unwrap_or("-"))).collect();
        assert_eq!(failing, [(Some(requirement), pointer)], "{report:#}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("p").to_str().unwrap().to_owned();
    let refused = |arguments: &[&str], code: i32, says: &str| {
        let (found, output, errors) = try_luxor(arguments);
        assert_eq!((found, output.as_str()), (code, ""), "{errors}");
        assert!(errors.contains(says), "{arguments:?}: {errors}");
    };
    refused(&["sandbox", "new", &dir, "--me", "x"], 2, "MEMBER:KIND:TERRITORY");
    refused(&["sandbox", "new", &dir, "--me", "x:post:GB", "--partner", "auditor:CH"], 2, "luxor audit");
    refused(&["sandbox", "run", &dir], 4, "is no practice network");
    assert!(!Path::new(&dir).exists());
    let practice = Practice::found("x:post:GB", &["customs:KR"]);
    let rules = folder.path().join("rules.toml");
    std::fs::write(&rules, "[[rule]]\nname = \"r\"\ndo = [{ respond = \"maybe\" }]\n").unwrap();
    let network = practice.dir();
    let run = ["sandbox", "run", network.to_str().unwrap(), "--rules", rules.to_str().unwrap()];
    refused(&run, 4, "rule 'r': 'maybe' is no status");
    refused(&["sandbox", "new", practice.dir().to_str().unwrap(), "--me", "x:post:GB"], 2, "is not empty");
}

#[test]
fn wrong_receipts_are_not_counted_but_told_and_the_dispatch_is_sent_again_until_there_is_a_true_one() {
    let practice = Practice::found("flyer:carrier:GB", &["customs:KR"]);
    let rehearsal = practice.rehearse(&built_in());
    practice.send(declaration("T-BEFORE-1", "PARCEL-0"));
    practice.got("customs_response", "response", &[("about", "T-BEFORE-1")]);
    let wrong = ["OTHER", "OPENING", "VERDICT", "NUMBER", "CHECKPOINT"];
    for (number, what) in wrong.iter().chain(&["LATE", "WITHHELD"]).enumerate() {
        practice.send(declaration(&format!("T-RECEIPT-{what}-1"), &format!("PARCEL-{}", number + 1)));
    }
    let (code, report) = rehearsal.ended(&practice);
    assert_eq!((code, &report["conforms"]), (0, &json!(true)), "{report:#} {}", practice.messages());
    let met = |requirement: &str, what: &str| format!("{requirement} met T-RECEIPT-{what}-1");
    let mut expected: Vec<String> = wrong
        .iter()
        .map(|what| met("receipt_not_counted", what))
        .chain(wrong.iter().map(|what| met("receipt_told", what)))
        .collect();
    expected.push(met("receipt_told", "WITHHELD"));
    expected.extend(wrong.iter().chain(&["LATE", "WITHHELD"]).map(|what| met("receipt_settled", what)));
    expected.sort();
    assert_eq!(told(&report), expected, "{report:#}");
    assert_eq!(report["rules"]["receipt under a false checkpoint"]["times"], 1, "{report:#}");
    // What was lived is as if nothing had been wrong: each declaration once at customs, each receipt once at home.
    assert_eq!(report["received"], json!({"declaration": 8}));
    let log = std::fs::read_to_string(practice.dir().join("customs-kr/luxord.log")).unwrap();
    assert!(log.contains("THIS IS A PRACTICE PARTNER'S NODE"), "{log}");
    for node in ["flyer", "customs-kr"] {
        luxor_tests::check(&practice.dir().join(node));
    }
}

#[test]
fn no_real_node_gives_wrong_receipts() {
    let practice = Practice::found("flyer:carrier:GB", &["customs:KR"]);
    let start = |node: &str| {
        let output = Command::new(program("luxord"))
            .args(["--dir", practice.dir().join(node).to_str().unwrap()])
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let configuration = practice.dir().join("customs-kr/luxord.toml");
    let text = std::fs::read_to_string(&configuration).unwrap();
    let network = text.split("network = \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    // A file copied from one practice network to another opens nothing.
    std::fs::write(&configuration, text.replace(&network, &"0".repeat(network.len()))).unwrap();
    let (good, errors) = start("customs-kr");
    assert!(!good && errors.contains("[practice] in luxord.toml: network is 000"), "{errors}");
    assert!(!practice.dir().join("customs-kr/data").exists(), "nothing is opened before");
    // One that listens where others reach it neither.
    let open = text.replace("/ip4/127.", "/ip4/10.");
    assert_ne!(open, text);
    std::fs::write(&configuration, open).unwrap();
    let (good, errors) = start("customs-kr");
    assert!(!good && errors.contains("which is not on loopback"), "{errors}");
}

#[test]
fn a_partner_of_each_kind_has_its_part_in_the_life_of_one_item() {
    let partners = ["post:GB", "carrier:GB", "platform:CN", "agency:KR", "broker:KR", "payment:SG"];
    let practice = Practice::found("customs-kr:customs:KR", &partners);
    let item = "{ scheme = \"platform\", issuer = \"platform-cn\", id = \"SHARED-1\" }";
    let route = "{ departure = \"CN\", destination = \"KR\" }";
    let open = |name: &str, partner: &str, send: &str, set: &str| {
        format!(
            "\n[[open]]\nname = \"shared {name}\"\npartner = \"{partner}\"\ndo = [{{ send = \"{send}\", set = {{ {set}, route = {route} }} }}]\n"
        )
    };
    let goods = "goods = [{ content = { description = \"toy robot of plastic\" }, classification = { hs = \"950300\" }, \
                 value = { amount = \"24.90\", currency = \"EUR\" }, origin = { country = \"CN\", net_kg = \"0.4\" } }]";
    let rules = built_in()
        + &open("order", "platform", "order", &format!("order = {{ number = \"O-SHARED-1\" }}, item = {item}"))
        + &open(
            "filing",
            "broker",
            "declaration",
            &format!(
                "filing = {{ kind = \"import\" }}, principal = {{ capacity = \"indirect_representative\", kind = \"seller\", name = \"Practice Seller\" }}, item = {item}, {goods}"
            ),
        )
        + &open(
            "bag",
            "carrier",
            "consignment",
            "unit = { level = \"receptacle\", id = \"SHARED-BAG-1\" }, \
            contains = [{ level = \"item\", scheme = \"platform\", issuer = \"platform-cn\", id = \"SHARED-1\" }]",
        )
        + &open(
            "event",
            "post",
            "event",
            &format!(
                "item = {item}, event = {{ code = \"arrived\", at = \"{{now}}\", source_system = \"EMSEVT\", source_code = \"EMD\" }}"
            ),
        );
    let rehearsal = practice.rehearse(&rules);
    let declared = practice.got("declaration", "item", &[("id", "SHARED-1")]);
    let asked = |reference: &str, kind: &str| {
        json!({"type": "referral", "version": 1, "reference": {"own_reference": reference}, "item": declared["item"],
               "route": declared["route"], "handling": {"carrier": "carrier-gb", "destination_customs": "customs-kr"},
               "referral": {"kind": kind, "reference": reference, "state": "open"}})
    };
    // The post answers a question, the carrier does not load, payment service and agency give what they know.
    practice.send(asked("C-RFI-1", "rfi"));
    practice.got("referral_answer", "answer", &[("reference", "C-RFI-1"), ("outcome", "information_given")]);
    practice.send(asked("C-DNL-1", "dnl"));
    practice.got("referral_answer", "answer", &[("reference", "C-DNL-1"), ("outcome", "not_loaded")]);
    practice.send(json!({"type": "data_request", "version": 1, "reference": {"own_reference": "C-ASK-1"}, "item": declared["item"],
        "route": declared["route"], "request": {"reference": "C-ASK-1", "ground": "law, article 1", "state": "open"}}));
    practice.got("agency_decision", "decision", &[("state", "released")]);
    practice.got("payment", "settlement", &[("state", "paid")]);
    let own = practice.own();
    let life = until("every party's part", || {
        let (code, text, _) = try_luxor(&["item", "SHARED-1", "--node", own.to_str().unwrap(), "--json"]);
        let life: Json =
            serde_json::from_str(text.lines().next().unwrap_or_default()).ok().or(serde_json::from_str(&text).ok())?;
        let issuers = |name: &str| -> Vec<String> {
            let records = life["records"][name].as_array().cloned().unwrap_or_default();
            records.iter().map(|record| record["issuer"].as_str().unwrap_or_default().to_owned()).collect()
        };
        let parts = [
            ("order", "platform-cn"),
            ("declaration", "broker-kr"),
            ("payment", "payment-sg"),
            ("agency_decision", "agency-kr"),
            ("event", "post-gb"),
            ("consignment", "carrier-gb"),
            ("referral_answer", "post-gb"),
            ("referral_answer", "carrier-gb"),
            ("referral", "customs-kr"),
            ("data_answer", "agency-kr"),
        ];
        let whole = parts.iter().all(|(name, issuer)| issuers(name).iter().any(|of| of == issuer));
        // Flags and alarms make it 1.
        (code < 2 && whole).then_some(life)
    });
    assert_eq!(life["records"]["declaration"].as_array().unwrap().len(), 1, "{life:#}");
    let (code, report) = rehearsal.ended(&practice);
    assert_eq!(code, 0, "{report:#} {}", practice.messages());
    for partner in ["post-gb", "carrier-gb", "platform-cn", "agency-kr", "broker-kr", "payment-sg"] {
        luxor_tests::check(&practice.dir().join(partner));
    }
}

#[test]
fn what_was_still_to_be_done_at_the_end_is_waited_for_or_listed() {
    let practice = Practice::found("flyer:carrier:GB", &["customs:KR"]);
    let rules = "[[rule]]\nname = \"slow\"\ntype = \"declaration\"\n\
                 do = [{ respond = \"registered\" }, { respond = \"accepted\", after = 12 }, { respond = \"released\", after = 900 }]\n";
    let rehearsal = practice.rehearse_for(rules, &["--for", "6", "--finish", "10"]);
    practice.send(declaration("T-1", "PARCEL-1"));
    let (code, report) = rehearsal.ended(&practice);
    assert_eq!((code, &report["sent"]), (0, &json!({"customs_response": 2})), "{report:#} {}", practice.messages());
    let notes = report["notes"].as_array().unwrap();
    assert_eq!(notes.len(), 1, "{notes:?}");
    let note = notes[0].as_str().unwrap();
    assert!(note.starts_with("not played by customs-kr: customs_response released of rule 'slow', due 2"), "{note}");
}
