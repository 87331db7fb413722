//! The HTML document around `App`, rendered on the server.

use crate::{
    App,
    components::{frame::document_attributes, time::RenderedAt},
};
use leptos::prelude::*;
use leptos_meta::MetaTags;
use std::{collections::BTreeMap, sync::Arc};

/// The site's files, by names that carry a digest of their content, in the context of each rendering.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SiteFiles {
    /// For example `/pkg/slipway.3f2a….js`.
    pub script: String,
    pub wasm: String,
    /// The script that loads chunks of the wasm.
    pub loader: String,
    /// The files of each chunk.
    pub chunks: BTreeMap<String, Vec<String>>,
    /// The whole style sheet. It is in the document itself, since a browser paints nothing before it has one: a large page would be waited for twice.
    pub style: Arc<str>,
    pub icon: String,
}

/// The links that MLflow's client prints say in their fragment what they mean, which browsers keep over redirects and show to no server.
const LINKS: &str = r#"{
const m = /^#\/experiments\/(\d+)(?:\/runs\/(\w+))?(?:.*[?&]workspace=([\w-]+))?/.exec(location.hash);
if (m) location.replace(m[2] ? `/runs/${m[2]}` : `/experiments/${m[1]}` + (m[3] ? `?team=${m[3]}` : ""));
}"#;

/// What the server sent is to be seen before the code is loaded that takes it over: its some fifty files would hold up the painting for a tenth of a
/// second. Nothing is painted where nobody looks, hence the end of patience.
const START: &str = r#"const painted = new Promise((done) => {
  if (document.hidden) return done();
  new PerformanceObserver((list) => list.getEntriesByName("first-contentful-paint").length && done()).observe({ type: "paint", buffered: true });
  setTimeout(done, 1500);
});
await painted;
const { nonce } = document.querySelector("script[nonce]");
const ahead = (link) => document.head.append(Object.assign(document.createElement("link"), link));
ahead({ rel: "modulepreload", href: LOADER, nonce });
for (const href of [WASM, ...(document.documentElement.dataset.files || "").split(" ").filter(Boolean)]) {
  ahead({ rel: "preload", as: "fetch", type: "application/wasm", crossOrigin: "anonymous", href });
}
try {
  const { default: start, hydrate } = await import(SCRIPT);
  await start({ module_or_path: WASM });
  await hydrate();
} catch (error) {
  document.getElementById("not-alive").hidden = false;
  throw error;
}"#;

/// The HTML document around `App`.
pub fn shell(files: SiteFiles) -> impl IntoView {
    let nonce = leptos::nonce::use_nonce();
    provide_context(files.clone());
    let now = use_context::<domain::Portal>().map_or(0, |portal| portal.clock.now());
    provide_context(RenderedAt(now));
    let (theme, navigation) = document_attributes();
    let SiteFiles { script, wasm, loader, .. } = &files;
    let start = format!("const SCRIPT = {script:?}, WASM = {wasm:?}, LOADER = {loader:?};\n{START}");
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme data-nav=navigation data-now=now.to_string()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <script nonce=nonce.clone() inner_html=LINKS></script>
                <link rel="icon" type="image/svg+xml" href=files.icon />
                <style nonce=nonce.clone() inner_html=files.style.to_string()></style>
                <MetaTags />
            </head>
            <body>
                <App />
                <p id="not-alive" class="not-alive" role="alert" hidden>
                    "The code of this page could not be loaded. Its links and forms work, but what changes is not followed. Load the page again to try once more."
                </p>
                <script type="module" nonce=nonce inner_html=start></script>
            </body>
        </html>
    }
}
