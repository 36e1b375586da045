"""Configuration: `anyfit.toml`, the user's file, profiles, the environment, and where each value came from.

    config = load_config()
    config.core.backend                     # "local"
    config.core_value("backend").origin     # "anyfit.toml:1"

Nothing is read before `load_config` is called. See docs/configuration.md.
"""

from anyfit.config.config import Config, Entry, load_config
from anyfit.config.layers import Setting
from anyfit.config.secrets import ConfigWarning
from anyfit.config.settings import CoreSettings

__all__ = ["Config", "ConfigWarning", "CoreSettings", "Entry", "Setting", "load_config"]
