//! A picture of a chart in pixels, made in the browser from its SVG.

#[cfg(not(feature = "ssr"))]
use leptos::wasm_bindgen::{JsCast, JsValue, closure::Closure};

/// Pixels for each of the drawing's: sharp on a dense screen and in print.
#[cfg(not(feature = "ssr"))]
const DENSE: u32 = 2;

/// Saves the SVG at `address` as a PNG file called `name`.
#[cfg(not(feature = "ssr"))]
pub async fn save(address: &str, name: &str) -> Result<(), JsValue> {
    use web_sys::{Blob, CanvasRenderingContext2d, HtmlAnchorElement, HtmlCanvasElement, HtmlImageElement, Url};
    let image = HtmlImageElement::new()?;
    image.set_src(address);
    wasm_bindgen_futures::JsFuture::from(image.decode()).await?;
    let document = leptos::prelude::document();
    let canvas: HtmlCanvasElement = document.create_element("canvas")?.dyn_into()?;
    canvas.set_width(image.natural_width() * DENSE);
    canvas.set_height(image.natural_height() * DENSE);
    let context: CanvasRenderingContext2d = canvas.get_context("2d")?.ok_or(JsValue::NULL)?.dyn_into()?;
    context.draw_image_with_html_image_element_and_dw_and_dh(&image, 0.0, 0.0, f64::from(canvas.width()), f64::from(canvas.height()))?;
    let made = js_sys::Promise::new(&mut |resolve, reject| {
        let done = Closure::once_into_js(move |blob: Option<Blob>| match blob {
            Some(blob) => resolve.call1(&JsValue::NULL, &blob),
            None => reject.call0(&JsValue::NULL),
        });
        _ = canvas.to_blob(done.unchecked_ref());
    });
    let blob: Blob = wasm_bindgen_futures::JsFuture::from(made).await?.dyn_into()?;
    let url = Url::create_object_url_with_blob(&blob)?;
    let link: HtmlAnchorElement = document.create_element("a")?.dyn_into()?;
    link.set_href(&url);
    link.set_download(name);
    link.click();
    Url::revoke_object_url(&url)
}

/// Only a browser draws pixels.
#[cfg(feature = "ssr")]
pub async fn save(_: &str, _: &str) -> Result<(), ()> {
    std::future::ready(Err(())).await
}
