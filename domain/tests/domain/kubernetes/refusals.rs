//! What is refused on Kubernetes: what people must not get, what is not ours, and what the cluster itself refuses.

#![expect(clippy::unwrap_used, reason = "a test ends where something it needs is missing")]

use super::cluster::{Corner, fake, until};
use crate::machine::{ready, secret, start};
use domain::{
    Error,
    compute::{ComputeEngine, Mount, Workload},
    model::{Environment, EnvironmentVersion, Level, Program, Resources},
    random,
};
use k8s_openapi::api::{
    admissionregistration::v1::ValidatingWebhookConfiguration,
    core::v1::{Namespace, PersistentVolumeClaim, Pod, ResourceQuota, ServiceAccount},
};
use kube::{
    Api,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use serde_json::json;

fn said(result: Result<(), Error>) -> String {
    result.unwrap_err().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_slipway_did_not_make_is_refused_and_left_alone() {
    let Some(corner) = Corner::start().await else { return };
    let all: Api<Namespace> = Api::all(corner.client.clone());
    let foreign = json!({"metadata": {"name": corner.namespace(), "labels": {"owner": "somebody"}}});
    let before = all.create(&PostParams::default(), &serde_json::from_value(foreign).unwrap()).await.unwrap();
    let why = said(corner.engine.ensure(&fake("serves")).await);
    assert!(why.contains("did not make") && why.contains("kubernetes-namespace-prefix"), "{why}");
    let after = all.get(&corner.namespace()).await.unwrap();
    assert_eq!(after.metadata.labels, before.metadata.labels);
    assert!(corner.pods().list(&kube::api::ListParams::default()).await.unwrap().items.is_empty());
    all.delete(&corner.namespace(), &DeleteParams::default()).await.unwrap();
    corner.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_of_others_with_a_launchs_names_on_kubernetes_are_refused_and_left_alone() {
    let Some(corner) = Corner::start().await else { return };
    let engine = &*corner.engine;
    // Makes the namespace.
    start(engine, &fake("serves")).await;
    let workload = fake("serves");
    let name = format!("nb-{}-1", workload.id);
    let container = json!({"name": "x", "image": "localhost/fake:never-starts"});
    let pod = json!({"metadata": {"name": name}, "spec": {"containers": [container], "automountServiceAccountToken": false}});
    let theirs: Pod = corner.pods().create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
    let why = said(engine.ensure(&workload).await);
    assert!(why.contains(&format!("a Pod named {name} that Slipway did not make")), "{why}");
    let kept = corner.pods().get(&name).await.unwrap();
    assert_eq!((kept.metadata.uid, kept.metadata.labels), (theirs.metadata.uid, None));
    assert!(corner.secrets().get_opt(&name).await.unwrap().is_none());

    let mut sealed = fake("serves");
    sealed.secrets.insert("TOKEN".into(), secret("s3cret"));
    let name = format!("nb-{}-1", sealed.id);
    let theirs = json!({"metadata": {"name": name}, "stringData": {"mine": "x"}});
    corner.secrets().create(&PostParams::default(), &serde_json::from_value(theirs).unwrap()).await.unwrap();
    let why = said(engine.ensure(&sealed).await);
    assert!(why.contains("a Secret named"), "{why}");
    assert_eq!(corner.secrets().get(&name).await.unwrap().data.unwrap().len(), 1);

    let homed = fake("serves");
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(corner.client.clone(), &corner.namespace());
    let theirs = json!({"metadata": {"name": format!("vol-{}", homed.home)}, "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "none",
        "resources": {"requests": {"storage": "1Gi"}}}});
    claims.create(&PostParams::default(), &serde_json::from_value(theirs).unwrap()).await.unwrap();
    let why = said(engine.ensure(&homed).await);
    assert!(why.contains("a PersistentVolumeClaim named"), "{why}");
    engine.delete_volume(&homed.home).await.unwrap();
    assert!(claims.get_opt(&format!("vol-{}", homed.home)).await.unwrap().is_some(), "not ours to delete");
    corner.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_of_the_cluster_refuses_with_what_is_used_of_what() {
    let Some(corner) = Corner::start().await else { return };
    let engine = &*corner.engine;
    let first = fake("serves");
    start(engine, &first).await;
    let quotas: Api<ResourceQuota> = Api::namespaced(corner.client.clone(), &corner.namespace());
    let quota = json!({"metadata": {"name": "team"}, "spec": {"hard": {"requests.cpu": "2"}}});
    quotas.create(&PostParams::default(), &serde_json::from_value(quota).unwrap()).await.unwrap();
    until("the quota is counted", async || {
        quotas
            .get("team")
            .await
            .unwrap()
            .status
            .and_then(|s| s.used)
            .is_some_and(|used| used.get("requests.cpu").is_some_and(|q| q.0 == "1"))
    })
    .await;
    let two = Workload { resources: Resources { cpus: 2, memory_mib: 512, gpus: 0 }, ..fake("serves") };
    let refused = engine.ensure(&two).await;
    assert!(matches!(&refused, Err(Error::QuotaExceeded(why)) if why.contains("cpu: 1 of 2 used, 2 asked for")), "{refused:?}");
    assert_eq!(engine.status(&two.id).await.unwrap(), None);
    // Once there is room the same launch goes.
    engine.stop(&first.id).await.unwrap();
    until("there is room", async || engine.ensure(&two).await.is_ok()).await;
    ready(engine, &two).await;
    corner.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_of_the_cluster_that_denies_a_launch_is_quoted() {
    let Some(corner) = Corner::start().await else { return };
    let engine = &*corner.engine;
    start(engine, &fake("serves")).await;
    // Nothing listens there: the API server refuses as the rule's failure policy says.
    let hooks: Api<ValidatingWebhookConfiguration> = Api::all(corner.client.clone());
    let hook = json!({"metadata": {"name": corner.prefix}, "webhooks": [{
        "name": "images.policy.example", "sideEffects": "None", "admissionReviewVersions": ["v1"], "failurePolicy": "Fail", "timeoutSeconds": 2,
        "clientConfig": {"url": "https://127.0.0.1:1/deny"},
        "namespaceSelector": {"matchLabels": {"slipway.internal/portal": corner.prefix}},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
    }]});
    hooks.create(&PostParams::default(), &serde_json::from_value(hook).unwrap()).await.unwrap();
    let denied = fake("serves");
    let mut last = String::new();
    until("the rule holds", async || {
        let probe = Workload { id: random::id(), ..denied.clone() };
        let answer = engine.ensure(&probe).await;
        last = format!("{answer:?}");
        answer.is_err()
    })
    .await;
    assert!(last.contains("images.policy.example"), "{last}");
    hooks.delete(&corner.prefix, &DeleteParams::default()).await.unwrap();
    corner.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_is_being_deleted_is_told_of_with_what_keeps_it() {
    let Some(corner) = Corner::start().await else { return };
    let first = fake("serves");
    start(&*corner.engine, &first).await;
    let name = format!("nb-{}-1", first.id);
    let finalizers = |list: serde_json::Value| Patch::Merge(json!({"metadata": {"finalizers": list}}));
    corner.pods().patch(&name, &PatchParams::default(), &finalizers(json!(["example.com/keeps"]))).await.unwrap();
    let all: Api<Namespace> = Api::all(corner.client.clone());
    all.delete(&corner.namespace(), &DeleteParams::default()).await.unwrap();
    // This process took it for ready; the next looks.
    let why = said(corner.engine.ensure(&fake("serves")).await);
    assert!(why.contains("is being deleted"), "{why}");
    let later = corner.another().await;
    let mut why = String::new();
    until("the cluster says what keeps it", async || {
        why = said(later.ensure(&fake("serves")).await);
        why.contains("example.com/keeps")
    })
    .await;
    assert!(why.contains(&format!("The namespace {} is being deleted.", corner.namespace())), "{why}");
    corner.pods().patch(&name, &PatchParams::default(), &finalizers(json!(null))).await.unwrap();
    until("it is gone", async || all.get_opt(&corner.namespace()).await.unwrap().is_none()).await;
    // And then all is made anew.
    start(&*corner.engine, &fake("serves")).await;
    let accounts: Api<ServiceAccount> = Api::namespaced(corner.client.clone(), &corner.namespace());
    assert_eq!(accounts.get("slipway-notebook").await.unwrap().automount_service_account_token, Some(false));
    corner.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_must_not_get_on_kubernetes_is_refused_before_the_cluster_hears_of_it() {
    let Some(corner) = Corner::start().await else { return };
    let engine = &*corner.engine;
    let fine = || fake("serves");
    let env = |name: &str| Workload { env: [(name.to_owned(), "x".to_owned())].into(), ..fine() };
    let image = |image: &str| Workload { image: Some(image.to_owned()), ..fine() };
    let mount = |name: &str| Workload { volumes: vec![Mount { volume: random::id(), name: name.into(), read_only: false }], ..fine() };
    let size = |cpus, memory_mib, gpus| Workload { resources: Resources { cpus, memory_mib, gpus }, ..fine() };
    let refused = [
        ("no image", Workload { image: None, ..fine() }),
        ("URL", image("http://evil/x")),
        ("upper case", image("Evil/X")),
        ("dots", image("a/../b")),
        ("long", image(&"x".repeat(1000))),
        ("LD_PRELOAD", env("LD_PRELOAD")),
        ("PATH", env("PATH")),
        ("service host", env("KUBERNETES_SERVICE_HOST")),
        ("A=B", env("A=B")),
        ("empty", env("")),
        ("null", Workload { env: [("A".to_owned(), "a\0b".to_owned())].into(), ..fine() }),
        ("kube-system", Workload { team: "kube-system\0".into(), ..fine() }),
        ("-n red", Workload { team: "-n red".into(), ..fine() }),
        ("id", Workload { id: "x\n  privileged: true".into(), ..fine() }),
        ("template", Workload { id: "{{ .Values }}".into(), ..fine() }),
        ("home", Workload { home: "../../etc".to_owned().into(), ..fine() }),
        ("data", mount("../../etc")),
        ("no program", Workload { argv: vec![], ..fine() }),
        ("CPUs", size(1_000_000, 512, 0)),
        ("memory", size(1, u32::MAX, 0)),
        ("GPUs", size(1, 512, 1000)),
        (
            "repository",
            Workload {
                repository: Some(domain::compute::Repository { url: "https://x.example/y".into(), branch: String::new() }),
                ..fine()
            },
        ),
    ];
    for (what, workload) in refused {
        let answer = engine.ensure(&workload).await;
        assert!(matches!(answer, Err(Error::Invalid(_) | Error::NotFound(_))), "{what}: {answer:?}");
        assert_eq!(engine.status(&workload.id).await.unwrap(), None, "{what}");
    }
    assert!(engine.list().await.unwrap().is_empty());
    corner.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_versions_with_an_image_are_offered_on_kubernetes() {
    let Some(corner) = Corner::bare("none", None).await else { return };
    let version = |image: Option<&str>| EnvironmentVersion {
        name: "1".into(),
        packages: vec!["jupyterlab".into()],
        image: image.map(str::to_owned),
        deprecated: None,
    };
    let mut lab = Environment {
        name: "lab".into(),
        title: "Lab".into(),
        description: String::new(),
        logo: "jupyter".into(),
        program: Program::JupyterLab,
        versions: vec![version(None)],
        default_resources: Resources::default(),
        visible_to: vec![],
        enabled: true,
        updated_at: 0,
    };
    assert!(corner.engine.unavailable(&lab).await.unwrap().contains("no image"));
    lab.versions = vec![version(Some("registry.example.com/a/lab:1"))];
    assert_eq!(corner.engine.unavailable(&lab).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_of_a_cluster_names_what_it_is_and_what_is_missing() {
    let Some(corner) = Corner::start().await else { return };
    let found = corner.engine.check().await;
    let of = |name: &str| found.iter().find(|f| f.name == name).unwrap_or_else(|| panic!("{name}: {found:?}"));
    assert!(of("cluster").level == Level::Ok && of("cluster").message.starts_with("Kubernetes v"));
    assert_eq!(of("permissions").level, Level::Ok, "{:?}", of("permissions"));
    assert_eq!(of("storage").level, Level::Ok, "{:?}", of("storage"));
    assert!(of("gpu").message.contains("NVIDIA"), "{:?}", of("gpu"));
    assert!(of("nodes").message.starts_with("1 of "), "{:?}", of("nodes"));
    let elsewhere = super::cluster::config(&corner.kubeconfig, &corner.prefix, "no-such-class");
    let engine =
        domain::compute::kubernetes::KubernetesEngine::start(elsewhere, domain::Clock::system(), domain::lease::Lease::for_ever().into())
            .await
            .unwrap();
    let storage = engine.check().await.into_iter().find(|f| f.name == "storage").unwrap();
    assert!(storage.level == Level::Error && storage.message.contains("no-such-class"), "{storage:?}");
    corner.end().await;
}
