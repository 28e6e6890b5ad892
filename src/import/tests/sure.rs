//! A line becomes a probe that runs only if every word of it was understood.

use super::imported;

/// Whether a list with this line has a probe that runs.
fn is_live(list: &str) -> bool {
    imported(list).lines().any(|line| line == "        probes:")
}

#[test]
fn a_line_that_is_understood_to_the_last_word_is_checked() {
    for line in [
        "`curl /healthz` returns 200",
        "`curl -sf https://api.example/healthz` returns 200",
        "GET /healthz returns 204.",
        "CI: `e2e.yml` exists",
        "`.github/workflows/e2e.yml` is present",
        "`e2e.yml` exists (workflow_dispatch only)",
        "Runbook: `docs/RUNBOOK.md` exists",
        "`A_TOKEN` and `B_TOKEN` are set",
        "Secrets: A_TOKEN present; B_TOKEN",
        "`docs/A.md` exists (owner: @dana) (verified: by hand)",
    ] {
        assert!(is_live(&format!("# L\n## S\n- [x] {line}\n")), "{line}");
    }
}

#[test]
fn a_line_that_says_more_or_the_opposite_is_not_checked() {
    for line in [
        "`OLD_TOKEN` must not be set",
        "`curl /x` does not return 500",
        "`curl /x` never returns 500",
        "`curl /x` no longer returns 200",
        "`curl /x` returns 200 without a token",
        "set `MOCK_REDIS=false`",
        "`MOCK_REDIS=false` is set",
        "`e2e.yml` exists (no push trigger)",
        "A_TOKEN present in Vault",
        "Vault: A_TOKEN present",
        "Production: `curl /x` returns 200",
        "`curl /x` returns 200 within 300 ms",
        "`curl /x` returns 200 and names the release",
        "`curl /x` returns 200 or 204",
        "`curl -X POST /x` returns 200",
        "`curl -k https://x/` returns 200",
        "https://user:pass@x/ returns 200",
        "`docs/A.md` exists, reviewed",
        "`docs/A.md` created with recovery steps",
        "~~`docs/A.md` exists~~",
        "`docs/A.md` exists?",
        "`../A.md` exists",
        "`/etc/passwd` exists",
        "no `A_TOKEN` set",
        "`A_TOKEN` is set to `x`",
        "`docs/A.md` exists (verified: not in main)",
        "`docs/A.md` exists **[NEEDS RUN]**",
    ] {
        assert!(!is_live(&format!("# L\n## S\n- [x] {line}\n")), "{line}");
    }
}

#[test]
fn words_around_a_line_may_say_the_opposite() {
    let line = "- [ ] `docs/A.md` exists\n";
    assert!(is_live(&format!("# L\n## S\n{line}")));
    for list in [
        format!("# L\n## Must not exist\n{line}"),
        format!("# L\n## In Vault\n{line}"),
        format!("# L\n## Removed\n### Files\n{line}"),
        format!("# L\n## S\nNone of these:\n\n{line}"),
        format!("# L\n## S\n- Never:\n  {line}"),
        format!("# L\n## S\n- [ ] Not before 2026\n  {line}"),
        format!("# L\n## S\n{line}  - and it is reviewed\n"),
        format!("# L\n## S\n{line}\n  ```\n  test -s docs/A.md\n  ```\n"),
        "# L\n| Check | Done | Where |\n|---|---|---|\n| `docs/A.md` exists | ✅ | on main |\n".to_owned(),
        format!("# L\n## Sign-off\n{line}"),
    ] {
        assert!(!is_live(&list), "{list}");
    }
}

#[test]
fn a_line_with_invisible_characters_is_not_converted_to_a_probe() {
    assert!(is_live("- [ ] https://a.example/x returns 200"));
    assert!(!is_live("- [ ] https://a.example/x\u{202e}y returns 200"));
}
