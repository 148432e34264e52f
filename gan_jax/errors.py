"""The exceptions that a user can act on. Whatever else is raised is a bug and keeps its traceback."""


class InputError(ValueError):
    """A setting, a file or a folder from outside is wrong.

    The message is one line that says what is wrong, what is allowed and what to do. Commands print it and exit with
    status 2.
    """


class DivergedError(ArithmeticError):
    """A metric of a run stopped being a finite number; the state before that step is saved."""


class StoppedError(Exception):
    """A signal asked the training to end, and everything is saved.

    Attributes:
      status: what the process exits with: 128 plus the signal's number, as a shell has it.
    """

    def __init__(self, name: str, status: int) -> None:
        self.status = status
        super().__init__(f"stopped by {name}")
