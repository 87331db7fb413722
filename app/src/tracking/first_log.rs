//! What to type so that the first run arrives.

use crate::components::CopyButton;
use leptos::prelude::*;
use leptos_router::hooks::use_location;

/// Where this portal is, as the browser or the request says.
fn origin() -> String {
    #[cfg(feature = "ssr")]
    let origin = crate::context::portal_address();
    #[cfg(not(feature = "ssr"))]
    let origin = window().location().origin().unwrap_or_default();
    origin
}

/// The lines that make MLflow's client log here.
#[component]
pub fn FirstLog() -> impl IntoView {
    // Only so that the text is made anew where the page changes.
    let _ = use_location();
    let origin = origin();
    let text = format!(
        "pip install mlflow-skinny\nexport MLFLOW_TRACKING_URI={origin}\nexport MLFLOW_TRACKING_TOKEN=…   # from Access tokens, role member\n\
         python -c \"import mlflow; mlflow.start_run(); mlflow.log_metric('loss', 0.5)\""
    );
    view! {
        <div class="snippet">
            <pre class="mono" tabindex="0">{text.clone()}</pre>
            <CopyButton text label="Copy commands" />
        </div>
        <p class="muted">
            <a href="/account/tokens">"Create a token"</a>
            " for your machine. Notebooks that Slipway launches need neither: in them, "
            <code>"mlflow.start_run()"</code>
            " just works."
        </p>
    }
}
