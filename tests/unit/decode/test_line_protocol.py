from __future__ import annotations

import pytest

from tests.unit.decode.line_protocol import NotLineProtocolError, Point, parse_line, parse_lines


def test_the_tests_own_parser_reads_every_kind_of_field() -> None:
    line = r'm,a=x\ y,b=1 f=1.5,g=-2e-07,i=3i,t=true,s="a \"b\" \\, c=d" 42'

    assert parse_line(line) == Point(
        "m", {"a": "x y", "b": "1"}, {"f": 1.5, "g": -2e-07, "i": 3, "t": True, "s": 'a "b" \\, c=d'}, 42
    )


@pytest.mark.parametrize(
    "text",
    [
        "m v=1 1",
        "m v=1\n",
        "m 1\n",
        "m v= 1\n",
        "m v=nan 1\n",
        "m v=inf 1\n",
        "m v=1,v=2 1\n",
        "m,a= v=1 1\n",
        "m,a=1,a=2 v=1 1\n",
        ",a=1 v=1 1\n",
        "m v=9223372036854775808i 1\n",
        "m v=1 9223372036854775808\n",
        'm v="a\tb" 1\n',
        'm v="a 1\n',
        "\n",
    ],
)
def test_the_tests_own_parser_refuses_what_influxdb_refuses(text: str) -> None:
    with pytest.raises(NotLineProtocolError):
        parse_lines(text)
