"""New training lines from segments of real ink."""
