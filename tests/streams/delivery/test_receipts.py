from schemas.receipt import Receipt
from streams.delivery.receipts import Try, receipt
from streams.measurement import Due
from tests.streams.measurement.made import NOW, G, made


def test_a_receipt_names_the_event_the_tracker_and_the_last_try():
    event = made(1, timestamp_micros=NOW)
    assert receipt(Due(event, G), "refused", Try(3, 403, 7, 9), reason="why") == Receipt(
        event_id=event.event_id,
        tracker_id="G-ABC1234567",
        account_id="acme",
        session_id="s1",
        name="Chatbot_sent",
        outcome="refused",
        reason="why",
        status=403,
        attempts=3,
        event_micros=NOW,
        sent_micros=7,
        answered_micros=9,
    )


def test_what_was_never_tried_says_why_and_has_no_times():
    written = receipt(Due(made(), G), "plan")
    assert (written.attempts, written.sent_micros, written.status) == (0, None, None)
    assert written.reason == "the account's plan does not deliver to Google Analytics"
