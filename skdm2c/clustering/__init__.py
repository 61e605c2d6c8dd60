"""Neighbour graphs, mixtures and k-means, spectral clustering, and the label-free score."""
