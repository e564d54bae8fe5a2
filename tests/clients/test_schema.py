"""Schemathesis over the served OpenAPI document: whatever it makes up for an operation meets no 5xx, no status that is not
documented, and no body that is not what its schema says."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import DEFAULT_ACCOUNT, OPERATOR_KEY, Worker
from provider import Answer, Json, Provider, chunks, completion

#: Of each operation; each of a thread's is there up to four times, and answers more slowly.
EXAMPLES = 100
THREAD_EXAMPLES = 10
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@pytest.fixture(scope="module")
def furnished(worker: Worker, provider: Provider) -> tuple[str, dict[str, str], list[str]]:
    """An account with one of each thing: its admin's key, what stands in paths, and what only serves calls."""
    account = {"slug": DEFAULT_ACCOUNT, "name": "Schema", "plan": "enterprise"}
    worker.call(OPERATOR_KEY, "POST", "/api/v1/accounts", account)
    keys = f"/api/v1/accounts/{DEFAULT_ACCOUNT}/keys"
    key = worker.call(OPERATOR_KEY, "POST", keys, {"name": "schema", "role": "admin"})["key"]
    worker.call(key, "PUT", "/api/v1/providers/emu", {"wire": "openai", "base_url": provider.base_url})
    line = f"emu:{provider.model(answer)}"
    # Only calls go to the talker, so that what is made up of an agent's configuration does not reach it.
    agents = [
        worker.call(key, "POST", "/api/v1/agents", {"name": slug, "instructions": "Be brief.", "model": line})
        for slug in ("thing", "talker")
    ]
    talker = f"/accounts/{DEFAULT_ACCOUNT}/agents/{agents[1]['slug']}"
    run = worker.call(key, "POST", f"{talker}/threads/there/runs", {"message": "Hi"})
    there = {"account": DEFAULT_ACCOUNT, "agent": "thing", "version": "1", "thread": run["thread_id"], "run": run["id"]}
    return key, there, [agents[1]["slug"], agents[1]["id"], "emu"]


def answer(request: Json) -> Answer:
    return chunks([{"content": "Hi."}]) if request.get("stream") else completion({"content": "Hi."})


@pytest.mark.parametrize(
    ("tags", "examples"), [(["--exclude-tag", "threads"], EXAMPLES), (["--include-tag", "threads"], THREAD_EXAMPLES)]
)
def test_every_operation_answers_as_documented(
    worker: Worker, furnished: tuple[str, dict[str, str], list[str]], tmp_path: Path, tags: list[str], examples: int
) -> None:
    key, there, spared = furnished
    command = [
        str(Path(sys.executable).with_name("st")), "run", f"{worker.url}/openapi.json",
        "--header", f"Authorization: Bearer {key}", "--checks", CHECKS, "--max-examples", str(examples), *tags,
        # One at a time: `ast.parse`, by which it describes its filters, is not safe among threads (Python 3.11).
        "--phases", "examples,coverage,fuzzing", "--workers", "1", "--seed", "1", "--no-shrink",
        # The same handlers at another path; the matrix of tests/api tries each with every key.
        "--exclude-operation-id-regex", "_of_account$",
        "--suppress-health-check", "all", "--warnings", "off", "--continue-on-failure", "--no-color",
    ]
    environment = os.environ | {
        "SCHEMATHESIS_HOOKS": "schema_hooks", "PYTHONPATH": str(Path(__file__).parent), "RETINUE_THERE": json.dumps(there),
        "RETINUE_SPARED": json.dumps(spared),
    }
    run = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr
