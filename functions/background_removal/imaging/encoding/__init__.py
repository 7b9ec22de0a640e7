"""The file formats that we write ourselves: PNG, and the alpha of WebP (libwebp writes its colours)."""
