"""The pytest plugin of anyfit: rewrites the assertions of the shipped suites so that failures show values."""

import pytest

pytest.register_assert_rewrite("anyfit.testing.backend", "anyfit.testing.promises", "anyfit.testing.storage")
