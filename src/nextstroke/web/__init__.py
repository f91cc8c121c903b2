"""The faces for browsers and programs: the studio's static pages, and a server with its API. Only `cli` imports it."""
