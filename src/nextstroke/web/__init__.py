"""The faces for browsers and programs: the studio's static pages, and the server with its API. Nothing imports it but `cli`."""
