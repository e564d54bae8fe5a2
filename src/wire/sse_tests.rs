use proptest::prelude::*;

use super::*;

type Event = (String, String);

/// Every event of these chunks, and whether the stream was sound.
fn read<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Event>, Result<(), DecodeError>) {
    let mut events = Vec::new();
    let mut decoder = Decoder::default();
    let mut dispatch = |frame: Frame<'_>| {
        events.push((frame.event.to_owned(), frame.data.to_owned()));
        Ok(())
    };
    let fed = chunks.into_iter().try_for_each(|chunk| decoder.feed(chunk, &mut dispatch));
    let result = fed.and_then(|()| decoder.finish(&mut dispatch));
    (events, result)
}

fn events(stream: &str) -> Vec<Event> {
    let (events, result) = read([stream.as_bytes()]);
    result.unwrap();
    events
}

fn event(event: &str, data: &str) -> Event {
    (event.to_owned(), data.to_owned())
}

#[test]
fn fields_are_read_as_the_standard_says() {
    assert_eq!(events("data: a\n\n"), [event("", "a")]);
    assert_eq!(events("data:a\n\ndata:  b\n\n"), [event("", "a"), event("", " b")]);
    assert_eq!(events("event: add\ndata: a\ndata\ndata: c\n\n"), [event("add", "a\n\nc")]);
    assert_eq!(events("data: a\nevent: late\n\n"), [event("late", "a")]);
    assert_eq!(events(": hello\n\nid: 7\nretry: 10\ndata: x: y\n\n"), [event("", "x: y")]);
    assert_eq!(events("data\n\ndata:\n\n"), [event("", ""), event("", "")]);
    assert_eq!(events("Data: no\n data: no\ndatum: no\n\n"), []);
}

#[test]
fn an_event_without_data_is_nothing_and_leaves_no_name_behind() {
    assert_eq!(events("event: ping\n\ndata: a\n\n"), [event("", "a")]);
    assert_eq!(events("\n\n\n"), []);
}

#[test]
fn lines_end_in_lf_crlf_or_cr() {
    let expected = [event("add", "a\nb"), event("", "c")];
    for end in ["\n", "\r\n", "\r"] {
        let stream = ["event: add", "data: a", "data: b", "", ": note", "data: c", "", ""].join(end);
        assert_eq!(events(&stream), expected, "{end:?}");
    }
}

#[test]
fn a_byte_order_mark_is_skipped_once() {
    assert_eq!(events("\u{feff}data: a\n\n"), [event("", "a")]);
    assert_eq!(events("\u{feff}\u{feff}data: a\n\n"), []);
}

#[test]
fn a_blank_line_that_ends_in_cr_is_dispatched_at_once() {
    let mut seen = 0;
    let mut decoder = Decoder::default();
    let mut dispatch = |_: Frame<'_>| {
        seen += 1;
        Ok(())
    };
    decoder.feed(b"data: a\r\n\r", &mut dispatch).unwrap();
    decoder.feed(b"", &mut dispatch).unwrap();
    decoder.feed(b"\n", &mut dispatch).unwrap();
    decoder.finish(&mut dispatch).unwrap();
    assert_eq!(seen, 1);
}

#[test]
fn the_last_event_needs_no_blank_line() {
    assert_eq!(events("data: a\n\ndata: [DONE]"), [event("", "a"), event("", "[DONE]")]);
    assert_eq!(events("data: a\r"), [event("", "a")]);
}

#[test]
fn what_is_not_utf_8_is_malformed_after_the_events_before_it() {
    let (events, result) = read([b"data: a\n\ndata: \xff\n\ndata: b\n\n".as_slice()]);
    assert_eq!(events, [event("", "a")]);
    assert!(matches!(result, Err(DecodeError::Malformed(_))), "{result:?}");
    let (_, cut) = read(["data: é".as_bytes().split_last().unwrap().1]);
    assert!(matches!(cut, Err(DecodeError::Malformed(_))), "{cut:?}");
}

#[test]
fn an_endless_event_is_malformed_before_memory_is_gone() {
    let piece = vec![b'x'; 1024 * 1024];
    let mut decoder = Decoder::default();
    let fed = (0..6).find_map(|_| decoder.feed(&piece, &mut |_| Ok(())).err());
    assert!(matches!(fed, Some(DecodeError::Malformed(_))), "{fed:?}");
    let whole = [b"data: ".as_slice(), &vec![b'x'; MAX_FRAME_BYTES], b"\n\n"].concat();
    assert!(read([whole.as_slice()]).1.is_err());
}

#[test]
fn a_fault_of_the_reader_ends_the_stream() {
    let mut seen = 0;
    let fault = DecodeError::Malformed("x".to_owned());
    let result = Decoder::default().feed(b"data: a\n\ndata: b\n\n", &mut |_| {
        seen += 1;
        Err(fault.clone())
    });
    assert_eq!((seen, result), (1, Err(fault)));
}

#[test]
fn what_is_written_is_read_back() {
    let mut out = Vec::new();
    write(&mut out, Some("delta"), "é\nb\r\nc".as_bytes());
    write(&mut out, None, b"");
    write_json(&mut out, Some("done"), &serde_json::json!({"text": "a\nb"}));
    write_json(&mut out, None, &[1, 2]);
    let text = String::from_utf8(out).unwrap();
    let expected = [
        event("delta", "é\nb\n\nc"),
        event("", ""),
        event("done", "{\"text\":\"a\\nb\"}"),
        event("", "[1,2]"),
    ];
    assert_eq!(events(&text), expected);
}

/// Streams made of the bytes that matter.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("\n"),
        Just("\r"),
        Just("\r\n"),
        Just("\n\n"),
        Just("data: "),
        Just("data"),
        Just("event:"),
        Just(":"),
        Just(" "),
        Just("é日𝄞"),
        Just("\u{feff}"),
        Just("{\"a\":1}"),
        Just("id: 3\n"),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes())
}

/// The standard's algorithm, line by line over the whole text.
fn reference(stream: &str) -> Vec<Event> {
    let text = stream.strip_prefix('\u{feff}').unwrap_or(stream).replace("\r\n", "\n").replace('\r', "\n");
    let mut events = Vec::new();
    let (mut name, mut data) = (String::new(), String::new());
    for line in text.split('\n').chain([""]) {
        if line.is_empty() {
            if data.pop().is_some() {
                events.push((std::mem::take(&mut name), std::mem::take(&mut data)));
            }
            name.clear();
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut name),
            "data" => {
                data.push_str(value);
                data.push('\n');
            }
            _ => {}
        }
    }
    events
}

proptest! {
    #[test]
    fn cuts_change_nothing(stream in stream(), mut cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20)) {
        let expected = reference(std::str::from_utf8(&stream).unwrap());
        let mut chunks = Vec::new();
        let mut rest = stream.as_slice();
        while let (Some(cut), false) = (cuts.pop(), rest.is_empty()) {
            let (head, tail) = rest.split_at(cut.index(rest.len() + 1));
            chunks.push(head);
            rest = tail;
        }
        chunks.push(rest);
        let (events, result) = read(chunks);
        prop_assert_eq!(result, Ok(()));
        prop_assert_eq!(events, expected.clone());
        let (events, _) = read(stream.chunks(1));
        prop_assert_eq!(events, expected);
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200), size in 1_usize..20) {
        let whole = read([bytes.as_slice()]);
        let cut = read(bytes.chunks(size));
        prop_assert_eq!(whole.0, cut.0);
        prop_assert_eq!(whole.1.is_ok(), cut.1.is_ok());
    }
}
