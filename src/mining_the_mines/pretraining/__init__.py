"""An encoder learns what ground looks like on simulated regions, whose ground is known everywhere."""
