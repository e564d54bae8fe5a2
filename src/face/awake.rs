//! A stream of events that says now and then that it lives, while there is nothing else to say.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::Poll;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};

use super::call::Encoder;
use crate::ports::World;
use crate::service::App;

/// Silence is broken after it, and before twice as long: no timer is set for each event.
const PING_MS: u64 = 25_000;

/// A body of what an encoder has begun with and of what follows.
pub fn body<W: World, E: Encoder>(
    app: &App<W>,
    begun: Vec<u8>,
    events: impl Stream<Item = Bytes> + Send + 'static,
) -> Body {
    let world = app.world.clone();
    let sleep = move || {
        let world = world.clone();
        Box::pin(async move { world.sleep(PING_MS).await }) as Sleep
    };
    Body::from_stream(awake(events, begun, E::PING, sleep).map(Ok::<_, Infallible>))
}

type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What has begun goes with the first events, or at once where none are there.
fn awake(
    events: impl Stream<Item = Bytes> + Send + 'static,
    mut begun: Vec<u8>,
    ping: &'static [u8],
    mut sleep: impl FnMut() -> Sleep,
) -> impl Stream<Item = Bytes> {
    let mut events = Box::pin(events.fuse());
    let (mut timer, mut has_spoken) = (None, true);
    stream::poll_fn(move |context| {
        if let Poll::Ready(piece) = events.as_mut().poll_next(context) {
            has_spoken = true;
            if begun.is_empty() {
                return Poll::Ready(piece);
            }
            begun.extend_from_slice(&piece.unwrap_or_default());
        }
        if !begun.is_empty() {
            has_spoken = true;
            return Poll::Ready(Some(std::mem::take(&mut begun).into()));
        }
        if ping.is_empty() {
            return Poll::Pending;
        }
        while timer.get_or_insert_with(&mut sleep).as_mut().poll(context).is_ready() {
            timer = None;
            if !std::mem::take(&mut has_spoken) {
                return Poll::Ready(Some(Bytes::from_static(ping)));
            }
        }
        Poll::Pending
    })
}

#[cfg(test)]
mod tests {
    use futures_channel::{mpsc, oneshot};
    use futures_util::FutureExt;

    use super::*;

    /// Timers that a test rings.
    fn timers() -> (mpsc::UnboundedReceiver<oneshot::Sender<()>>, impl FnMut() -> Sleep) {
        let (set, timers) = mpsc::unbounded();
        let sleep = move || {
            let (ring, rung) = oneshot::channel();
            set.unbounded_send(ring).unwrap();
            Box::pin(rung.map(drop)) as Sleep
        };
        (timers, sleep)
    }

    #[test]
    fn silence_is_broken_and_only_silence() {
        let (say, said) = mpsc::unbounded::<Bytes>();
        let (mut timers, sleep) = timers();
        let mut stream = Box::pin(awake(said, b"start".to_vec(), b"ping", sleep));
        let mut next = || stream.next().now_or_never();
        let of = |text: &'static str| Some(Some(Bytes::from_static(text.as_bytes())));
        // The beginning waits for nothing.
        assert_eq!((next(), next()), (of("start"), None));
        let mut ring = || timers.try_recv().unwrap().send(()).unwrap();
        // Something was said while the timer ran; the next one finds nothing.
        ring();
        assert_eq!(next(), None);
        ring();
        assert_eq!((next(), next()), (of("ping"), None));
        say.unbounded_send(Bytes::from_static(b"one")).unwrap();
        ring();
        assert_eq!((next(), next()), (of("one"), None));
        ring();
        assert_eq!((next(), next()), (of("ping"), None));
        drop(say);
        assert_eq!((next(), next()), (Some(None), Some(None)));
    }

    #[test]
    fn what_has_begun_goes_with_what_is_there_and_nothing_is_timed_without_a_ping() {
        for (events, expected) in [(vec!["one", "two"], vec!["start one", "two"]), (vec![], vec!["start "])] {
            let never = || -> Sleep { panic!("a timer") };
            let events = stream::iter(events).map(Bytes::from);
            let stream = awake(events, b"start ".to_vec(), b"", never);
            assert_eq!(stream.collect::<Vec<_>>().now_or_never().unwrap(), expected);
        }
    }
}
