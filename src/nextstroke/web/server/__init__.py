"""The HTTP server: routes, middleware, request schemas, batching, static files."""
