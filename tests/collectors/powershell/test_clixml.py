from __future__ import annotations

import pytest

from collectors.powershell.clixml import beginning

CLIXML = (
    '#< CLIXML\r\n<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">'
    '<Obj S="progress" RefId="0"><MS><I64 N="SourceId">1</I64></MS></Obj>{errors}</Objs>'
)


@pytest.mark.parametrize(
    ("stderr", "said"),
    [
        (b"", ""),
        (b"La commande\r\n  est trop longue.\r\n", "La commande est trop longue."),
        (CLIXML.format(errors="").encode(), ""),
        (
            CLIXML.format(
                errors='<S S="Error">Acc\u00e8s &lt;refus\u00e9&gt; _x000D__x000A_</S>'
                '<S S="Error">ligne 2</S>'
            ).encode(),
            "Accès <refusé> ligne 2",
        ),
        (b'\xef\xbb\xbf#< CLIXML\r\n<Objs><S S="Error">cut o', ""),
        (b"\x1b[31mred\xff", "\\x1b[31mred\ufffd"),
    ],
)
def test_standard_error_becomes_one_line_that_is_fit_for_a_sentence(
    stderr: bytes, said: str
) -> None:
    assert beginning(stderr) == said


def test_a_long_story_is_cut() -> None:
    assert len(beginning(b"x" * 5000)) < 310
