"""docs/preview-dev.txt: a preview of the dev stack, drawn with the engine at hand."""
