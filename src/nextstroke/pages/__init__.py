"""Pages: layout, SVG, PNG, JSON and figures. Knows ink, not networks."""
