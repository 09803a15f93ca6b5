"""Races against named peers: each states its budget and why, and reports ratio and optimality gap apart."""
