"""Talks to the language server as an editor would: opens a wrong model, then mends it.

    lsp_session.py SERVER        prints what the server publishes
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import json
import subprocess
import sys

MODEL = """ttc.model @net(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = ttc.neuron LIBB "n" (%x) : tensor<?x4xf32>
  ttc.return %0 : tensor<?x4xf32>
}
"""
SEVERITIES = {1: "error", 2: "warning", 3: "note", 4: "hint"}

server = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL)


def send(method, params, **more):
    text = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **more}).encode()
    server.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(text), text))
    server.stdin.flush()


def receive(wanted):
    """The next message that `wanted` accepts."""
    while True:
        length = 0
        while (line := server.stdout.readline().strip()) or not length:
            if not line and server.poll() is not None:
                sys.exit(f"the server has ended with code {server.returncode}")
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        message = json.loads(server.stdout.read(length))
        if wanted(message):
            return message


def print_diagnostics():
    message = receive(lambda m: m.get("method") == "textDocument/publishDiagnostics")
    diagnostics = message["params"]["diagnostics"]
    for diagnostic in diagnostics:
        start = diagnostic["range"]["start"]
        print(f"diagnostic: {start['line']}:{start['character']}: "
              f"{SEVERITIES[diagnostic['severity']]}: {diagnostic['message']}")
    if not diagnostics:
        print("no diagnostics")


send("initialize", {"processId": None, "rootUri": None, "capabilities": {}}, id=1)
answer = receive(lambda m: m.get("id") == 1)
print("initialized:", json.dumps(answer["result"], separators=(",", ":")))
send("initialized", {})
document = {"uri": "test:///net.mlir", "languageId": "mlir", "version": 1}
send("textDocument/didOpen", {"textDocument": {**document, "text": MODEL}})
print_diagnostics()
document["version"] = 2
send("textDocument/didChange", {"textDocument": document,
                                "contentChanges": [{"text": MODEL.replace("LIBB", "LIB")}]})
print_diagnostics()
send("shutdown", None, id=2)
receive(lambda m: m.get("id") == 2)
send("exit", None)
sys.exit(server.wait(timeout=10))
