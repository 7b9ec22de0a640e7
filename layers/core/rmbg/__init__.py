"""The one shared package: a Lambda layer for the zip functions, copied into the image of the image function."""

__version__ = "0.1.0"
