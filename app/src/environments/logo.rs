//! The marks of environments.

use crate::components::{Glyph, Icon};
use leptos::prelude::*;

/// The mark of an environment, by its built-in name: `jupyter`, `vscode`, `rstudio` or `terminal`.
#[component]
pub fn EnvironmentLogo(#[prop(into)] logo: String) -> impl IntoView {
    let inner = match logo.as_str() {
        "jupyter" => view! {
            <svg viewBox="0 0 24 24" aria-hidden="true">
                <path d="M3.6 9.4C5.2 6 8.3 4 12 4s6.800 2 8.400 5.400C18.300 8 15.300 7.200 12 7.200S5.700 8 3.600 9.400z" fill="currentColor"></path>
                <path d="M3.600 14.600C5.200 18 8.300 20 12 20s6.800-2 8.400-5.400c-2.100 1.400-5.100 2.200-8.400 2.200s-6.300-.8-8.400-2.200z" fill="currentColor"></path>
                <circle cx="19.500" cy="4.300" r="1.500" fill="currentColor"></circle>
                <circle cx="4.800" cy="19.800" r="1.200" fill="currentColor"></circle>
                <circle cx="4.600" cy="4.800" r=".9" fill="currentColor"></circle>
            </svg>
        }
        .into_any(),
        "vscode" => view! {
            <svg viewBox="0 0 24 24" aria-hidden="true" class="drawn">
                <path d="m9 7-5 5 5 5M15 7l5 5-5 5"></path>
            </svg>
        }
        .into_any(),
        "rstudio" => view! {
            <svg viewBox="0 0 24 24" aria-hidden="true" class="drawn">
                <path d="M8 18V6h5a3.500 3.500 0 0 1 0 7H8M12.500 13l4 5"></path>
            </svg>
        }
        .into_any(),
        _ => view! { <Icon glyph=Glyph::Terminal class="icon-lg" /> }.into_any(),
    };
    let known = ["jupyter", "vscode", "rstudio"].contains(&logo.as_str());
    view! { <span class=format!("env-logo env-{}", if known { logo.as_str() } else { "terminal" })>{inner}</span> }
}
