"""How chips' long loops tell how far they are: as everybody's do."""

from mining_the_mines.progress import Item, Progress, silent

__all__ = ["Item", "Progress", "silent"]
