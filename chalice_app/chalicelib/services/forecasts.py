"""Forecasts of what environments will cost."""

from __future__ import annotations

from datetime import datetime

from chalicelib.aws.errors import AwsError
from chalicelib.config import Config
from chalicelib.domain.environment import Environment
from chalicelib.domain.forecast import Forecast, forecast
from chalicelib.observability import logger
from chalicelib.storage.releases import Releases


class Forecasts:
    """Computes forecasts from records and releases."""

    def __init__(self, config: Config, releases: Releases) -> None:
        self._config = config
        self._releases = releases

    def of(self, environment: Environment, moment: datetime) -> Forecast | None:
        """Return the forecast of an environment, or None if it is being deleted or is deleted.

        Reads the manifest of the environment's release once in a process. Without it, S3 is not estimated.
        """
        config = self._config
        data_bytes = self._data_bytes(environment)
        return forecast(environment, data_bytes, config.prices, config.storage_prices, moment)

    def _data_bytes(self, environment: Environment) -> int | None:
        try:
            release = self._releases.find(environment.release)
        except AwsError as error:
            logger.warning("release not readable", release=environment.release, detail=str(error))
            return None
        return release.data_bytes if release else None
