"""Verified area: a probability sample of maps, its answers, and the area and accuracy that they prove."""
