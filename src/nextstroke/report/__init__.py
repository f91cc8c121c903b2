"""The paper rebuilt: its figures, its tables, its claims, from models and data given."""
