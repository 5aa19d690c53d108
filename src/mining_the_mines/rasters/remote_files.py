"""Files on the web, opened as images and as nothing else."""

from typing import Any, Final
from urllib.parse import urlsplit

from odc.loader import RioDriver, RioReader

from mining_the_mines.rasters.integrity import open_image

_WEB: Final = frozenset({"http", "https"})


class ImageReader(RioReader):
    """Reads a file of an archive; one on the web only if it is an image.

    A virtual raster (VRT) names other files, and GDAL would open those of this machine: a stranger would choose what is
    read here. That a file was an image when it was looked for doesn't tell what its server answers later. The beginning
    of the file stays in GDAL's cache, so that looking costs no further request.
    """

    def read(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as odc-loader calls it
        """Read a window.

        Raises:
            RasterioIOError: If the file on the web is no image.
        """
        if urlsplit(self._src.uri).scheme in _WEB:
            open_image(self._src.uri).close()
        return super().read(*args, **options)


class ImageDriver(RioDriver):
    """Tells odc-stac to read so."""

    def open(self, src: Any, ctx: Any) -> ImageReader:  # noqa: ANN401 - odc-loader's own types
        """Give what reads a file."""
        return ImageReader(src, ctx)
