//! The HTML document around `App`, rendered on the server.

use crate::{
    App,
    components::{frame::document_attributes, time::RenderedAt},
};
use leptos::prelude::*;
use leptos_meta::MetaTags;

/// Names of the site's files, which carry a digest of their content, in the context of each rendering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteFiles {
    /// For example `/pkg/slipway.3f2a….js`.
    pub script: String,
    pub wasm: String,
    pub style: String,
    pub icon: String,
}

/// The HTML document around `App`.
pub fn shell(files: SiteFiles) -> impl IntoView {
    let nonce = leptos::nonce::use_nonce();
    let now = use_context::<domain::Portal>().map_or(0, |portal| portal.clock.now());
    provide_context(RenderedAt(now));
    let (theme, navigation) = document_attributes();
    let start =
        format!("import start, {{ hydrate }} from {:?}; start({{ module_or_path: {:?} }}).then(hydrate);", files.script, files.wasm);
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme data-nav=navigation data-now=now.to_string()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <link rel="icon" type="image/svg+xml" href=files.icon />
                <link rel="stylesheet" href=files.style />
                <link rel="modulepreload" href=files.script nonce=nonce.clone() />
                <MetaTags />
            </head>
            <body>
                <App />
                <script type="module" nonce=nonce inner_html=start></script>
            </body>
        </html>
    }
}
