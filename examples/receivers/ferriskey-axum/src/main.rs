//! FerrisKey's webhooks with axum 0.8.
//!
//!   FERRISKEY_SECRET=… cargo run        (PORT, 3000)

mod ferriskey;

use std::{
    env,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode},
    routing::post,
    Router,
};
use ferriskey::{Refusal, Webhook};

const BODY_BYTES_MAX: usize = 1024 * 1024;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let secret: Arc<str> = env::var("FERRISKEY_SECRET")?.into();
    let port: u16 = env::var("PORT").map_or(Ok(3000), |port| port.parse())?;

    let app = Router::new()
        .route("/webhook", post(receive))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(secret);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}/webhook", listener.local_addr()?);
    axum::serve(listener, app)
        .with_graceful_shutdown(async {
            let _ = tokio::signal::ctrl_c().await;
        })
        .await?;
    Ok(())
}

/// `Bytes`, not `Json<…>`: the signature is made over the bytes, so they are verified before they are
/// parsed.
async fn receive(State(secret): State<Arc<str>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    match ferriskey::receive(&secret, header, &body, now) {
        // The same delivery id comes with every retry: a real receiver remembers it.
        Ok(webhook) => handle(header("x-ferriskey-delivery-id").unwrap_or("-"), webhook),
        Err(refusal) => {
            // For the log alone: a stranger learns nothing from the answer.
            eprintln!("refused: {refusal:?}");
            match refusal {
                Refusal::Body | Refusal::MissingHeader(_) => StatusCode::BAD_REQUEST,
                Refusal::Timestamp | Refusal::Signature => StatusCode::UNAUTHORIZED,
            }
        }
    }
}

fn handle(id: &str, webhook: Webhook) -> StatusCode {
    let Webhook {
        event,
        timestamp,
        resource_id,
        data,
    } = webhook;
    let data = data.map_or_else(|| "nothing".to_owned(), |data| data.to_string());
    println!("{timestamp} {event} of {resource_id} ({id}): {data}");
    StatusCode::NO_CONTENT
}
