"""What a page server beside a broker is started with."""

from __future__ import annotations

import pytest

from chatlib.cli.beside import page_arguments
from chatlib.cli.main import make_parser
from chatlib.protocol.links import parse_endpoint


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_the_page_is_served_where_the_broker_was_told(host: str) -> None:
    parser = make_parser()
    told = parser.parse_args(["broker", "--web", f"{host}:8080"])
    control = parse_endpoint("tcp://127.0.0.1:5555")
    given = page_arguments(control, told.web, None, encrypted=False, config="")
    assert parser.parse_args(["web", *given]).listen == (host.strip("[]"), 8080)
