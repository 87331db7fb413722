//! Which requests wait for whom: for a review that is needed, or for a word on a waiver.

use super::{
    gates, lapse_store,
    store::{self, RequestRow, ReviewRow},
    waiver_store::{self, WaiverRow},
};
use crate::{
    caller::{Caller, TeamScope},
    error::Result,
    model::{Permission, PromotionFlow, PromotionRequest, RequestState, Role, UserId},
    portal::Portal,
};

/// What is said of requests, and by whom it is looked at.
pub(super) struct Said<'a> {
    pub scope: &'a TeamScope,
    pub flow: PromotionFlow,
    pub reviews: Vec<ReviewRow>,
    pub waivers: Vec<WaiverRow>,
    /// Requests of which an approval of the caller lapsed.
    pub lapsed: Vec<String>,
}

impl<'a> Said<'a> {
    /// Of all open requests of the team.
    pub(super) async fn of_open(portal: &Portal, scope: &'a TeamScope) -> Result<Self> {
        Ok(Self {
            scope,
            flow: store::flow(&portal.db, &scope.team).await?,
            reviews: store::reviews_of_open(&portal.db, &scope.team).await?,
            waivers: waiver_store::waivers_of_open(&portal.db, &scope.team).await?,
            lapsed: lapse_store::open_of(&portal.db, &scope.team, &scope.user).await?,
        })
    }

    /// Whether the caller's review would count and is needed.
    fn wants_review(&self, row: &RequestRow) -> bool {
        let (requester, me) = (UserId(row.requester.clone()), &self.scope.user);
        let given: Vec<ReviewRow> = self.reviews.iter().filter(|r| r.request_id == row.id).cloned().collect();
        self.scope.role >= Role::Member
            && self.flow.stage(&row.alias).is_some_and(|stage| {
                let approving = gates::approving(stage, &requester, &given).len();
                let said = given.iter().any(|r| r.user_id == me.as_str());
                approving < usize::try_from(stage.approvals).unwrap_or(0) && !said && gates::may_review(stage, &requester, me)
            })
    }

    /// The request, and whether it waits for the caller: a review of theirs, or a waiver that they may decide on.
    pub(super) fn request(&self, row: &RequestRow) -> Result<PromotionRequest> {
        let request = row.request()?;
        if request.state != RequestState::Open {
            return Ok(request);
        }
        let (requester, review) = (UserId(row.requester.clone()), self.wants_review(row));
        let mut waivers = self.waivers.iter().filter(|w| w.request_id == row.id);
        Ok(PromotionRequest {
            waiver_declined: waivers.clone().any(|w| w.declined_at.is_some()),
            waits_for_me: review || waivers.any(|w| w.is_open() && may_grant(self.scope, &requester, w)),
            asks_again: review && self.lapsed.contains(&row.id),
            ..request
        })
    }
}

/// Whether this person may grant or decline the waiver: an admin who neither asked for the promotion nor for the waiver.
pub(super) fn may_grant(scope: &TeamScope, requester: &UserId, waiver: &WaiverRow) -> bool {
    scope.role == Role::Admin && scope.user != *requester && scope.user.as_str() != waiver.asker
}

/// How many requests wait for the caller. Costs one short question where none is open.
pub async fn waiting(portal: &Portal, caller: &Caller, team: &str) -> Result<usize> {
    let scope = caller.require_in(Permission::ReadRegistry, team)?;
    let open = store::open_requests(&portal.db, &scope.team).await?;
    if open.is_empty() || scope.role < Role::Member {
        return Ok(0);
    }
    let said = Said::of_open(portal, &scope).await?;
    let requests = open.iter().map(|row| said.request(row)).collect::<Result<Vec<_>>>()?;
    Ok(requests.iter().filter(|request| request.waits_for_me).count())
}
