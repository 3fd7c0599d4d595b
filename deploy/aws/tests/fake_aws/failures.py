"""Why a stack cannot be made, in the words of CloudFormation where it has some."""


class StackError(Exception):
    """A template, a resource or a property that cannot be; the message is the event's reason."""
