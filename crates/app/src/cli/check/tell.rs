//! A check's report for people and programs.

use crate::say;
use archive::check::{Finding, Report};
use serde_json::json;

/// Prints it.
pub fn report(as_json: bool, report: &Report) {
    if as_json {
        let findings: Vec<_> = report.findings.iter().map(finding).collect();
        let object = json!({ "ok": report.good(), "entries": report.entries, "rows": report.rows,
            "objects": report.objects, "sidecars": report.sidecars, "findings": findings });
        return say::line(&object.to_string());
    }
    for one in &report.findings {
        let what = say::text(&format!("check-{}", one.what.as_str()), &[]);
        say::line(&say::text("check-finding", &[&one.place, &what]));
        one.affects.iter().for_each(|affected| say::line(&say::text("check-affects", &[affected])));
        let way = if one.mended { "check-mended".to_owned() } else { format!("way-{}", way(one)) };
        say::line(&say::text("check-way", &[&say::text(&way, &[])]));
    }
    let open = report.findings.iter().filter(|f| !f.mended && !f.what.is_notice()).count();
    let Report { entries, rows, objects, sidecars, findings, .. } = report;
    say::line(&say::text("check-done", &[objects, sidecars, rows, entries, &findings.len(), &open]));
}

fn finding(one: &Finding) -> serde_json::Value {
    json!({ "what": one.what.as_str(), "place": one.place, "affects": one.affects, "repaired": one.mended,
        "notice": one.what.is_notice() })
}

/// What a person can do.
fn way(finding: &Finding) -> &'static str {
    use archive::check::What;
    match finding.what {
        What::Version
        | What::Snapshot
        | What::KeyMark
        | What::VerifierKey
        | What::Stray
        | What::StraySidecar
        | What::Sidecar => "repair",
        What::Object | What::ObjectMissing => "from",
        What::Ledger(flaw) => match flaw.as_str() {
            "ledger-tile" | "ledger-copy" => "repair",
            "ledger-cut-off" | "ledger-other" => "newer",
            _ => "restore",
        },
        What::RowsOlder | What::WrapsOlder => "tables",
        What::Settings | What::Unknown | What::Tail => "look",
        What::Checkpoint => "seen",
        What::Segment => "segment",
        _ => "restore",
    }
}
