"""WebP as a still picture: Pillow decodes every one as an animation, and keeps two canvases for frames to come."""

from PIL import WebPImagePlugin


class FirstWebPFrame(WebPImagePlugin.WebPImageFile):
    """A WebP of which nobody wants the second frame."""

    def load_prepare(self) -> None:
        """The frame lies in bytes, its image is to be made: 8 bytes a pixel of the decoder are free for it."""
        vars(self).pop("_decoder", None)
        super().load_prepare()
