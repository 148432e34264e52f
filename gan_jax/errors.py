"""The one exception that means: the user can mend this."""


class InputError(ValueError):
    """A setting, a file or a folder from outside is wrong; the message is one line that says what is and what to do.

    Scripts print the message and exit with status 2. Anything else that is raised is a bug and keeps its traceback.
    """
