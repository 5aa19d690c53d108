"""The one kind of error that is the input's fault and not the program's."""


class BadInputError(ValueError):
    """Something that was given can't be worked with.

    The message is one sentence that names the file or parameter, what is wrong with it, and the way out; the command
    line shows it alone, without a stack trace.
    """


class SceneError(BadInputError):
    """A catalog, a scene, a raster or a region can't be used; the message says which, why, and the way out."""
