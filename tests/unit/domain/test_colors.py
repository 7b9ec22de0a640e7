"""The table of named colours against Pillow's, which was written by somebody else."""

from PIL import ImageColor

from rmbg.domain.colors import NAMED_COLORS, parse_color


def test_the_148_names_of_css_color_4() -> None:
    assert len(NAMED_COLORS) == 148
    assert set(NAMED_COLORS) == set(ImageColor.colormap)


def test_each_name_has_pillow_s_value() -> None:
    for name in NAMED_COLORS:
        color = parse_color(name.upper())
        assert color is not None
        assert color[:3] == ImageColor.getrgb(name)
        assert color.alpha == 255


def test_letters_that_only_look_ascii_when_lowered() -> None:
    assert parse_color("blac\u212a") is None  # the Kelvin sign lowers to k
