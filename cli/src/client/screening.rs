//! Screening: proposals, orders, indicators.

use luxor_protocol::api::{
    DrawRequest, DrawnReport, DryRunReport, DryRunRequest, IndicatorPage, OrderLine, ProposalLine, ProposalPage,
    ScreeningStatus, SignRequest, SignedReport,
};
use luxor_protocol::hash::Digest;

use super::{Client, ClientError};

impl Client {
    /// How screening stands.
    pub(crate) fn screening(&self) -> Result<ScreeningStatus, ClientError> {
        self.http.json("/v1/screening", &[])
    }

    /// A page of proposals.
    pub(crate) fn proposals(&self, query: &[(&'static str, String)]) -> Result<ProposalPage, ClientError> {
        self.http.json("/v1/screening/queue", query)
    }

    /// The proposal about a record.
    pub(crate) fn proposal(&self, root: &Digest) -> Result<ProposalLine, ClientError> {
        self.http.json(&format!("/v1/screening/proposals/{}", root.hex()), &[])
    }

    /// A page of indicators.
    pub(crate) fn indicators(&self, query: &[(&'static str, String)]) -> Result<IndicatorPage, ClientError> {
        self.http.json("/v1/screening/indicators", query)
    }

    /// Orders.
    pub(crate) fn orders(&self) -> Result<Vec<OrderLine>, ClientError> {
        self.http.json("/v1/screening/orders", &[])
    }

    /// Draws an order up.
    pub(crate) fn draw_order(&self, request: &DrawRequest) -> Result<DrawnReport, ClientError> {
        self.http.post_json("/v1/screening/orders", request)
    }

    /// An order.
    pub(crate) fn order(&self, digest: &Digest) -> Result<DrawnReport, ClientError> {
        self.http.json(&format!("/v1/screening/orders/{}", digest.hex()), &[])
    }

    /// Signs an order.
    pub(crate) fn sign_order(&self, digest: &Digest, request: &SignRequest) -> Result<SignedReport, ClientError> {
        self.http.post_json(&format!("/v1/screening/orders/{}/signatures", digest.hex()), request)
    }

    /// What rules would propose.
    pub(crate) fn screening_dry_run(&self, request: &DryRunRequest) -> Result<DryRunReport, ClientError> {
        self.http.post_json("/v1/screening/dry-run", request)
    }
}
