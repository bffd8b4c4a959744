"""The error that the command line turns into one sentence and exit code 2."""


class WeftError(ValueError):
    """A user's mistake, as one sentence that names the field or file, the rule and the value given."""
