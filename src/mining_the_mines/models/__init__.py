"""Complete networks: raw reflectance in, probability out."""
