"""The one exception a user is meant to read: its message names the culprit and says what to do."""


class S2Error(Exception):
    """Bad input, a bad parameter or a missing file, told in one message without a traceback."""
