"""What can go wrong between a machine and its Asterisk. Every message says what to do."""


class AsteriskError(Exception):
    """Asterisk could not be brought, configured, started or stopped; the text is meant for a person."""


class PackageError(AsteriskError):
    """A package could not be found, downloaded, checked or unpacked."""


class RenderError(AsteriskError):
    """A configuration value cannot be written into a configuration file."""


class PortInUseError(AsteriskError):
    """Another program holds a port that this Asterisk needs.

    ``port`` and ``setting`` name it, so that a caller can tell which line of the settings to change.
    """

    def __init__(self, port: int, protocol: str, address: str, setting: str) -> None:
        self.port = port
        self.setting = setting
        super().__init__(
            f"Port {port}/{protocol} on {address} is in use by another program. "
            f"Stop that program, or choose another port with the setting {setting}."
        )
