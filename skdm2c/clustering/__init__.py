"""Neighbour graphs, mixtures and k-means, spectral cuts, and the score without labels."""
