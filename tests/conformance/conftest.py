"""The Worker, the provider and the agents are those of tests/clients."""

import importlib.util
import sys
from pathlib import Path

CLIENTS = Path(__file__).parents[1] / "clients"
sys.path.insert(0, str(CLIENTS))
_SPEC = importlib.util.spec_from_file_location("shared", CLIENTS / "conftest.py")
shared = importlib.util.module_from_spec(_SPEC)
sys.modules["shared"] = shared
_SPEC.loader.exec_module(shared)

worker, provider, account, agent = shared.worker, shared.provider, shared.account, shared.agent
