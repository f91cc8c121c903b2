"""The studio in the browser (`static/`) and the HTTP server (`server/`)."""
