//! Webhooks: what is told, how often, in which order, and where they never go.

mod delivering;
mod logging;
mod receiver;
mod refusing;

use domain::{
    Caller, Portal,
    model::{Role, Webhook, WebhookForm},
    registry,
    testing::TestPortal,
    webhooks::{self, Allowed, Lookup, Outbound},
};
use receiver::Receiver;
use std::{net::IpAddr, sync::Arc};

/// Teams `vision` with ada and `speech` with eve, and the way out to receivers of this machine.
struct Tower {
    test: TestPortal,
    ada: Caller,
    eve: Caller,
}

impl Tower {
    /// Whoever is named is at home on this machine, and the receivers are allowed and trusted.
    async fn new(receivers: &[&Receiver]) -> Self {
        let here: Lookup = Arc::new(|_| Box::pin(async { Ok(vec![IpAddr::from([127, 0, 0, 1])]) }));
        Self::with(receivers, here).await
    }

    async fn with(receivers: &[&Receiver], lookup: Lookup) -> Self {
        let mut test = TestPortal::new().await;
        let allow = receivers.iter().map(|r| Allowed { host: receiver::HOST.to_owned(), port: r.port }).collect();
        let authorities: Vec<Vec<u8>> = receivers.iter().map(|r| r.certificate.clone()).collect();
        test.portal.outbound = Arc::new(Outbound::with(allow, lookup, &authorities));
        test.team("vision", &[("ada", Role::Member)]).await;
        test.team("speech", &[("eve", Role::Member)]).await;
        let (ada, eve) = (test.caller("ada").await, test.caller("eve").await);
        Self { test, ada, eve }
    }

    fn portal(&self) -> &Portal {
        &self.test.portal
    }

    async fn hook(&self, receiver: &Receiver) -> Webhook {
        webhooks::create(self.portal(), &self.ada, "vision", form(&receiver.url())).await.expect("a webhook")
    }

    async fn hook_of_speech(&self, receiver: &Receiver) -> Webhook {
        webhooks::create(self.portal(), &self.eve, "speech", form(&receiver.url())).await.expect("a webhook")
    }

    async fn model(&self, name: &str) {
        registry::create(self.portal(), &self.ada, "vision", name, None, Vec::new()).await.expect("a model");
    }

    async fn get(&self, id: &str) -> Webhook {
        webhooks::get(self.portal(), &self.ada, "vision", id).await.expect("the webhook")
    }

    async fn look(&self) -> usize {
        webhooks::look(self.portal()).await.expect("looked")
    }
}

fn form(url: &str) -> WebhookForm {
    WebhookForm {
        name: Some("w".into()),
        url: Some(url.into()),
        events: Some(vec!["registered_model.created".into(), "prompt.created".into(), "prompt_tag.set".into()]),
        secret: Some("hunter2".into()),
        ..WebhookForm::default()
    }
}
