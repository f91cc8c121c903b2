"""Scores of networks and of finished trainings."""
