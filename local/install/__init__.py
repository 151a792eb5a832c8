"""Installation of the development environment: Python packages and Chromium."""
