//! An item of a checklist as in its file.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::run::Severity;
use crate::yaml::{Duration, Node, Spanned};

use super::super::name::{ItemId, Name};
use super::FileRetry;
use super::any::{AnyProbe, EachList, OneProbeOrMore};

/// One line that a person would tick. It has `probes`, `sign_off`, `deferred` or `pending`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Item")]
pub struct FileItem {
    /// Its id, such as `db-head`: letters, digits, `-` and `_`.
    pub id: Spanned<ItemId>,
    /// The list from which items are made, one for each element, such as `${vars.services}`. Items are called
    /// `ID/NAME`, after the element or its `name`, and refer to it as `${each}` or `${each.FIELD}`.
    #[serde(default)]
    #[schemars(with = "Option<EachList>")]
    pub each: Option<Node>,
    /// The line that a person would tick, such as `The database has the newest schema`.
    pub title: String,
    /// The id of an earlier item of the same section, which needs this one; the Markdown shows this one nested below it.
    #[serde(default)]
    pub parent: Option<Spanned<String>>,
    /// Who is responsible for it, such as `@platform`.
    #[serde(default)]
    pub owner: Option<String>,
    /// How severe a failure is: `P0` (the worst) to `P4`. `--severity P1` selects `P0` and `P1`.
    #[serde(default)]
    pub severity: Option<Severity>,
    /// Words by which `--only` and `--skip` select it, such as `[smoke]`.
    #[serde(default)]
    pub tags: Vec<Spanned<Name>>,
    /// Ids of items and sections that must be green, such as `[db-head]`; else this item is blocked.
    #[serde(default)]
    pub needs: Vec<Spanned<String>>,
    /// It never runs at the same time as another item with one of these locks, such as `[orders-table]`.
    #[serde(default)]
    pub locks: Vec<String>,
    /// It never runs at the same time as any other item.
    #[serde(default)]
    pub exclusive: bool,
    /// It is shown with its true status, but is not required.
    #[serde(default)]
    pub advisory: bool,
    /// Why it is not required at this stage, such as `not needed before production`. It is shown, but not run.
    #[serde(default)]
    pub deferred: Option<Spanned<String>>,
    /// Why it can't be checked yet, such as `NEEDS RUN`. It is pending, which is not green, until it has `probes`.
    #[serde(default)]
    pub pending: Option<Spanned<String>>,
    /// How long a passed result is valid, such as `7d`. After that, output from the ledger shows it as pending.
    /// Default: unlimited.
    #[serde(default)]
    pub valid_for: Option<Spanned<Duration>>,
    /// Who must sign it off. The sign-off covers the items in `needs`; without `needs`, the steps in `manual`.
    #[serde(default)]
    pub sign_off: Option<Spanned<FileSignOff>>,
    /// The steps of a person, in Markdown, for what no probe can check, such as `1. Call the on-call number`. Such an
    /// item needs a `sign_off`, which alone decides its status.
    #[serde(default)]
    pub manual: Option<Spanned<String>>,
    /// Its probes, in order. All must pass.
    #[serde(default)]
    #[schemars(with = "Option<Vec<AnyProbe>>")]
    pub probes: Option<Node>,
    /// A probe or a list of probes that run after `probes`, also if those fail or time out, such as
    /// `http: { method: DELETE, url: "${vars.api}/orders/${order.json.id}" }`. It can refer to failed probes too. If it fails,
    /// the item is not green.
    #[serde(default)]
    #[schemars(with = "Option<OneProbeOrMore>")]
    pub cleanup: Option<Node>,
    /// The text after its tick, such as `commit ${main.short}`. Default: the evidence of its probes.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub evidence: Option<Node>,
    /// Advice for when the item is red, such as `docker compose logs api`.
    #[serde(default)]
    pub hint: Option<String>,
    /// Timeout of one attempt of its probes, such as `30s`.
    #[serde(default, deserialize_with = "super::above_zero")]
    pub timeout: Option<Duration>,
    /// Retries of its probes.
    #[serde(default, deserialize_with = "super::reachable_retry")]
    pub retry: Option<FileRetry>,
    /// The machine that its probes connect from, such as `ssh://deploy@bastion.example`. Default: what `defaults` says.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub via: Option<Node>,
}

/// The sign-off of a person.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SignOff")]
pub struct FileSignOff {
    /// The role, such as `QA lead`.
    pub role: String,
    /// How long it is valid, such as `7d`. Default: until the subject changes. Required in a checklist without
    /// `subject`.
    #[serde(default)]
    pub valid_for: Option<Duration>,
    /// Who may sign: mail addresses, or names if a sign-off has no address, such as `[dana@example.com]`. Default:
    /// anybody.
    #[serde(default)]
    pub by: Option<Vec<String>>,
    /// Accept only sign-offs signed with a key that the checklist's `allowed_signers` lists for the address.
    #[serde(default)]
    pub signed: bool,
}
