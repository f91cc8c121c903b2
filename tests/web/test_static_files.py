"""The site's files on their way."""

import pytest


@pytest.mark.parametrize("name", ["studio.js", "engine.json"])
def test_a_file_is_packed_on_its_way_and_not_sent_again(client, name):
    packed = client.get(f"/{name}")
    plain = client.get(f"/{name}", headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) < len(plain.content)
    assert packed.headers["vary"] == plain.headers["vary"] == "accept-encoding"
    again = client.get(f"/{name}", headers={"if-none-match": packed.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", packed.headers["etag"])
    assert again.headers["content-security-policy"]
    assert packed.headers.get_list("cache-control") == again.headers.get_list("cache-control") == ["max-age=10"]
    head = client.head(f"/{name}")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == packed.headers["content-length"]
    assert client.post(f"/{name}", json={}).status_code == 405


def test_a_part_of_a_file_is_a_part_of_what_lies_here(client):
    whole = client.get("/studio.js").content
    part = client.get("/studio.js", headers={"range": "bytes=10-29"})
    assert (part.status_code, part.content) == (206, whole[10:30])
    assert "content-encoding" not in part.headers


def test_a_packed_model_is_sent_as_it_is(client):
    """The page unpacks it: a content encoding would have the browser unpack it before."""
    sent = client.get("/models/text.onnx.gz")
    assert "content-encoding" not in sent.headers
    assert sent.content.startswith(b"\x1f\x8b")
    again = client.get("/models/text.onnx.gz", headers={"if-none-match": sent.headers["etag"]})
    assert again.status_code == 304


def test_answers_of_the_api_are_not_kept(client):
    assert client.get("/health").headers.get_list("cache-control") == ["no-cache"]
