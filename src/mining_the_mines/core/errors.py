"""Errors of the input, as opposed to errors of the program."""


class BadInputError(ValueError):
    """A file or parameter can't be used.

    The message is one sentence with the file or parameter, the fault and the way out. The command line shows it alone,
    without a stack trace.
    """


class SceneError(BadInputError):
    """A catalog, a scene, a raster or a region can't be used; the message says which, why, and the way out."""


class UnwritableError(BadInputError):
    """A file or folder can't be written, as on a full disk; no other input would help."""
